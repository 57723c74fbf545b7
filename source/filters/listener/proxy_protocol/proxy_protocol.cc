// What a header, or its absence, leads to.
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"

#include "source/filters/listener/proxy_protocol/proxy_header.h"
#include "source/stats/scope.h"

namespace proxenos::filters::proxy_protocol {
namespace {

constexpr stats::ScopeShape kScope{"proxy_proto.", "proxy_proto."};
constexpr stats::ScopeShape kV1Scope{"proxy_proto.versions.v1.", "proxy_proto.versions.v1."};
constexpr stats::ScopeShape kV2Scope{"proxy_proto.versions.v2.", "proxy_proto.versions.v2."};

}  // namespace

ProxyProtocol::ProxyProtocol(const ProxyProtocolConfig& config, stats::Registry& registry)
    : config_(config),
      stats_(registry.Open<ProxyProtocolStats>(stats::ScopeName(kScope, {}))),
      v1_(registry.Open<ProxyVersionStats>(stats::ScopeName(kV1Scope, {}))),
      v2_(registry.Open<ProxyVersionStats>(stats::ScopeName(kV2Scope, {}))) {}

uint32_t ProxyProtocol::limit() const { return kMaxHeader; }

filter::ListenerFilter::Result ProxyProtocol::Inspect(absl::string_view bytes,
                                                      filter::ConnectionFacts& facts) {
  ProxyHeader header;
  const Header read = ReadProxyHeader(bytes, &header);
  ProxyVersionStats& version = header.version == 1 ? *v1_ : *v2_;
  if (header.version != 0 && !config_.allow_version[header.version]) {
    // As if it were none: what is behind decides what becomes of it.
    version.disallowed.Inc();
    return {config_.allow_none ? Verdict::kDone : Verdict::kReject, 0};
  }
  switch (read) {
    case Header::kMore:
      return {Verdict::kMore, 0};
    case Header::kBroken:
      version.error.Inc();
      return {Verdict::kReject, 0};
    case Header::kNone:
      if (config_.allow_none) {
        stats_->not_found_allowed.Inc();
        return {Verdict::kDone, 0};
      }
      stats_->not_found_disallowed.Inc();
      return {Verdict::kReject, 0};
    case Header::kFound:
      break;
  }
  version.found.Inc();
  if (header.source.is_ip()) {
    facts.remote = header.source;
    facts.local = header.destination;
    facts.local_restored = true;
  }
  return {Verdict::kDone, header.size};
}

}  // namespace proxenos::filters::proxy_protocol
