// ProxyProtocol: whom the connection really comes from, as a proxy before us tells.
// envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/filter/listener_filter.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::proxy_protocol {

// Names are Envoy's. One group a worker. Scope: proxy_proto., or proxy_proto.STAT_PREFIX.
#define PX_PROXY_PROTOCOL_STATS(X) \
  X(Counter, not_found_allowed)    \
  X(Counter, not_found_disallowed)
PX_STATS(ProxyProtocolStats, PX_PROXY_PROTOCOL_STATS);

// Scope: versions.vN. below it.
#define PX_PROXY_VERSION_STATS(X) \
  X(Counter, found)               \
  X(Counter, disallowed)          \
  X(Counter, error)
PX_STATS(ProxyVersionStats, PX_PROXY_VERSION_STATS);

// ProxyProtocol.Rule: where the value of a TLV goes.
struct TlvRule {
  uint8_t type = 0;
  std::string space;  // Of the dynamic metadata.
  std::string key;
  bool base64 = false;  // Else it is text, in which '!' takes the place of what is no UTF-8.
};

// The sum of what ends connections, over all listeners. Scope: that of the process.
#define PX_PROXY_ERROR_STATS(X) X(Counter, downstream_cx_proxy_proto_error)
PX_STATS(ProxyErrorStats, PX_PROXY_ERROR_STATS);

struct ProxyProtocolConfig {
  bool allow_none = false;                      // allow_requests_without_proxy_protocol
  bool allow_version[3] = {false, true, true};  // By version.
  std::vector<TlvRule> rules;
  std::bitset<256> passes;  // pass_through_tlvs, by type.
  std::string stat_prefix;
};

class ProxyProtocol final : public filter::ListenerFilter {
 public:
  // `config` outlives it.
  ProxyProtocol(const ProxyProtocolConfig& config, stats::Registry& registry);

  uint32_t limit() const override;
  Result Inspect(absl::string_view bytes, filter::ConnectionFacts& facts) override;

 private:
  Result Judge(absl::string_view bytes, filter::ConnectionFacts& facts);
  std::unique_ptr<const filter::ProxyNotes> Notes(absl::string_view tlvs) const;

  const ProxyProtocolConfig& config_;
  stats::Group<ProxyErrorStats> errors_;
  stats::Group<ProxyProtocolStats> stats_;
  stats::Group<ProxyVersionStats> v1_;
  stats::Group<ProxyVersionStats> v2_;
};

}  // namespace proxenos::filters::proxy_protocol
