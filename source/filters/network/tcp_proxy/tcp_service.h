// TcpService: what the connections of one TCP proxy share on one worker.
//
// Owner: the Listener. Thread: the worker's.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "source/downstream/chain_service.h"
#include "source/filter/stream_info.h"
#include "source/filters/network/tcp_proxy/demanded_cluster.h"
#include "source/filters/network/tcp_proxy/tcp_proxy.h"
#include "source/stats/registry.h"
#include "source/stats/tcp_stats.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::filters::tcp_proxy {

// Scope: TcpScope, beside TcpStats. One group a worker, of a proxy with check_drain_close.
#define PX_TCP_DRAIN_STATS(X) X(Counter, downstream_cx_drain_close)
PX_STATS(TcpDrainStats, PX_TCP_DRAIN_STATS);

class TcpService final : public downstream::ChainService {
 public:
  // `config` outlives it.
  TcpService(Parts parts, const TcpProxyConfig& config);

  std::unique_ptr<downstream::Connection> Begin(downstream::Arrival arrival) override;
  bool begins_at_once() const override { return true; }
  void OnRefused(const downstream::Arrival& arrival,
                 const filter::NetworkFilter::Verdict& verdict) override;

  const TcpProxyConfig& config() const { return config_; }
  stats::TcpStats& stats() { return *stats_; }
  // REQUIRES: config().checks_drain.
  TcpDrainStats& drain_stats() { return *drain_stats_; }
  // REQUIRES: config().on_demand.
  TcpDemandStats& demand_stats() { return *demand_stats_; }

  // One of the proxy's clusters, by weight, for a connection that names none itself. Lives as long
  // as the proxy.
  absl::string_view Draw();
  // Which hosts of that cluster a connection should go to; null: any.
  const route::MetadataMatch* SubsetOf(absl::string_view cluster) const;
  // Fills in what is known of a connection when it begins.
  void Describe(const downstream::Arrival& arrival, filter::StreamInfo& info);
  // Notes why network filters refused a connection.
  static void NoteRefusal(const filter::NetworkFilter::Verdict& verdict, filter::StreamInfo& info);
  // Writes a line about a connection as it is now.
  void Log(filter::StreamInfo& info, access_log::LogType type);

 private:
  const TcpProxyConfig& config_;
  stats::Group<stats::TcpStats> stats_;
  stats::Group<TcpDemandStats> demand_stats_;
  stats::Group<TcpDrainStats> drain_stats_;
};

}  // namespace proxenos::filters::tcp_proxy
