// ProxyProtocol: whom the connection really comes from, as a proxy before us tells.
// envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
#pragma once

#include <string>

#include "source/filter/listener_filter.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::proxy_protocol {

// Names are Envoy's. One group a worker. Scope: proxy_proto.
#define PX_PROXY_PROTOCOL_STATS(X) \
  X(Counter, not_found_allowed)    \
  X(Counter, not_found_disallowed)
PX_STATS(ProxyProtocolStats, PX_PROXY_PROTOCOL_STATS);

// Scope: proxy_proto.versions.vN.
#define PX_PROXY_VERSION_STATS(X) \
  X(Counter, found)               \
  X(Counter, disallowed)          \
  X(Counter, error)
PX_STATS(ProxyVersionStats, PX_PROXY_VERSION_STATS);

struct ProxyProtocolConfig {
  bool allow_none = false;                      // allow_requests_without_proxy_protocol
  bool allow_version[3] = {false, true, true};  // By version.
};

class ProxyProtocol final : public filter::ListenerFilter {
 public:
  ProxyProtocol(const ProxyProtocolConfig& config, stats::Registry& registry);

  uint32_t limit() const override;
  Result Inspect(absl::string_view bytes, filter::ConnectionFacts& facts) override;

 private:
  const ProxyProtocolConfig config_;
  stats::Group<ProxyProtocolStats> stats_;
  stats::Group<ProxyVersionStats> v1_;
  stats::Group<ProxyVersionStats> v2_;
};

}  // namespace proxenos::filters::proxy_protocol
