// OrcaWatch: asks the hosts of a cluster for reports of their load, apart from requests: a stream
// of xds.service.orca.v3.OpenRcaService/StreamCoreMetrics to each (enable_oob_load_report). What
// they say goes to the weights that the workers read, and into the sums of load reports.
//
//   waiting --timer--> reading <--timer-- paused     A report pauses for a moment, so that a host
//      ^                  |  |__report_____^         that sends without end takes little of our
//      |______the end_____|                          time. A host that does not know the service is
//                                                    not asked again.
//
// Owner: the version of the cluster in force. Thread: main.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/event/event_loop.h"
#include "source/health/check_cluster.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/upstream/host_set.h"
#include "source/upstream/load_metrics.h"
#include "source/upstream/orca_rules.h"

namespace proxenos::health {

// Scope: cluster.NAME.lb_orca_oob. Thread: main.
#define PX_ORCA_WATCH_STATS(X)  \
  X(Counter, reports_received)  \
  X(Counter, report_errors)     \
  X(Counter, stream_failures)   \
  X(Counter, stream_terminated) \
  X(Gauge, active_sessions)
PX_STATS(OrcaWatchStats, PX_ORCA_WATCH_STATS);

class OrcaWatch {
 public:
  // Between two tries to reach a host; doubled with each, until it reports.
  static constexpr base::Nanos kFirstBackOff = base::kSecond;
  static constexpr base::Nanos kLongestBackOff = 60 * base::kSecond;
  // Reports of a host are not read more often.
  static constexpr base::Nanos kPause = 100 * base::kMillisecond;

  // REQUIRES: Wanted(*config). `metrics` is null where load is not reported.
  OrcaWatch(event::EventLoop& loop, stats::Registry& registry,
            std::shared_ptr<const upstream::ClusterConfig> config,
            std::vector<std::shared_ptr<const tls::ClientContext>> tls,
            const upstream::LoadMetrics* metrics);
  ~OrcaWatch();
  OrcaWatch(const OrcaWatch&) = delete;
  OrcaWatch& operator=(const OrcaWatch&) = delete;

  // Whether the cluster asks for one.
  static bool Wanted(const upstream::ClusterConfig& config);

  // These are the hosts: those that are new are asked, those that left are not any more.
  void SetHosts(const upstream::HostSet& hosts);
  void SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
    cluster_.SetTls(index, std::move(context));
  }

 private:
  class Session;

  const upstream::OrcaWeighting& weighting() const { return *config_->orca->weighting; }
  const upstream::OrcaOutOfBand& rules() const { return *weighting().out_of_band; }
  void Take(uint64_t host, const upstream::OrcaReport& report);

  event::EventLoop& loop_;
  const std::shared_ptr<const upstream::ClusterConfig> config_;
  const std::shared_ptr<const upstream::LoadMetrics::Part> sums_;  // Null: none are wanted.
  CheckCluster cluster_;
  stats::Group<OrcaWatchStats> stats_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Session>> sessions_;  // By Host::id().
};

}  // namespace proxenos::health
