// UdpProxy: what carries datagrams to hosts of a cluster, and their answers back. UdpProxyConfig is
// what it is configured to do, as plain data (udp_proxy_config.h makes it).
//
// Invariant: immutable and shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/access_log/access_log.h"
#include "source/base/clock.h"
#include "source/downstream/datagram_service.h"
#include "source/filters/udp/udp_proxy/datagram_routes.h"

namespace proxenos::filters::udp_proxy {

struct UdpProxyConfig {
  std::string stat_prefix;
  DatagramRoutes routes;

  base::Nanos idle_timeout = 60 * base::kSecond;
  bool per_packet = false;  // use_per_packet_load_balancing
  // hash_policies: at most one of them.
  bool hashes_source = false;
  std::optional<uint64_t> hash;  // Of the key.

  uint32_t max_bytes = downstream::DatagramConfig::kMaxBytes;  // Of one from a host.

  access_log::AccessLogs session_logs;
  access_log::AccessLogs proxy_logs;
  base::Nanos log_interval = 0;  // 0: not at intervals.
};

class UdpProxy final : public downstream::DatagramTerminal {
 public:
  explicit UdpProxy(UdpProxyConfig config) : config_(std::move(config)) {}
  std::unique_ptr<downstream::DatagramService> MakeService(
      downstream::DatagramService::Parts parts) const override;
  absl::Span<const std::string> cluster_names() const override { return config_.routes.clusters(); }

 private:
  const UdpProxyConfig config_;
};

}  // namespace proxenos::filters::udp_proxy
