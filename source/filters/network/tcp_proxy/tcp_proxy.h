// TcpProxy: the terminal network filter that carries connections to hosts of a cluster, byte for
// byte. TcpProxyConfig is what it is configured to do, as plain data (tcp_proxy_config.h makes it).
//
// Invariant: immutable and shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/base/clock.h"
#include "source/base/limits.h"
#include "source/downstream/chain_service.h"
#include "source/filter/cluster_source.h"
#include "source/filters/network/tcp_proxy/added_tlvs.h"
#include "source/filters/network/tcp_proxy/tunnel.h"
#include "source/route/metadata_match.h"

namespace proxenos::filters::tcp_proxy {

struct TcpProxyConfig {
  std::string stat_prefix;
  // One, or several by weight: `weights` are sums so far, the last is the sum of all.
  std::vector<std::string> clusters;
  std::vector<uint64_t> weights;

  // metadata_match, by cluster in their order; empty: none of them is asked for a subset.
  std::vector<std::shared_ptr<const route::MetadataMatch>> subsets;
  bool hashes_source = false;  // hash_policy: source_ip
  std::string hashed_state;    // hash_policy: filter_state; empty: none.
  bool picks() const { return hashes_source || !hashed_state.empty() || !subsets.empty(); }

  base::Nanos idle_timeout = base::limits::kConnectionIdleTimeout;  // 0: none.
  base::Nanos max_duration = 0;                                     // 0: none.
  double max_duration_jitter_percent = 0;
  uint32_t max_connect_attempts = 1;
  base::Nanos backoff_base = 0;  // 0: tries again at once.
  base::Nanos backoff_max = 0;
  bool connects_on_data = false;  // UpstreamConnectMode ON_DOWNSTREAM_DATA
  bool checks_drain = false;      // check_drain_close

  // Where a cluster that there is not is asked for; none: nowhere.
  std::optional<filter::ClusterSource> on_demand;

  std::shared_ptr<const Tunnel> tunnel;  // Null: connections are carried as they are.
  AddedTlvs tlvs;

  access_log::AccessLogs access_logs;
  bool logs_start = false;
  bool logs_connected = false;
  bool asks_notes = false;       // Some log does (access_log::AsksForNotes).
  base::Nanos log_interval = 0;  // 0: not at intervals.
};

class TcpProxy final : public downstream::NetworkTerminal {
 public:
  explicit TcpProxy(TcpProxyConfig config) : config_(std::move(config)) {}
  std::unique_ptr<downstream::ChainService> MakeService(
      downstream::ChainService::Parts parts) const override;
  absl::Span<const std::string> cluster_names() const override { return config_.clusters; }

 private:
  const TcpProxyConfig config_;
};

}  // namespace proxenos::filters::tcp_proxy
