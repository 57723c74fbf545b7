// What a header, or its absence, leads to.
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "source/base/utf8.h"
#include "source/filters/listener/proxy_protocol/proxy_header.h"
#include "source/stats/scope.h"

namespace proxenos::filters::proxy_protocol {
namespace {

constexpr char kPrefixTag[] = "envoy.proxy_protocol_prefix";
constexpr char kVersionTag[] = "envoy.proxy_protocol_version";
constexpr stats::ScopeShape kProcessScope{"", ""};
constexpr stats::ScopeShape kScope{"proxy_proto.", "proxy_proto."};
constexpr stats::ScopeShape kPrefixedScope{"proxy_proto.$.", "proxy_proto.", {kPrefixTag}};
constexpr stats::ScopeShape kVersionScope{
    "proxy_proto.versions.v$.", "proxy_proto.", {kVersionTag}};
constexpr stats::ScopeShape kPrefixedVersionScope{
    "proxy_proto.$.versions.v$.", "proxy_proto.", {kPrefixTag, kVersionTag}};

stats::ScopeName Scope(absl::string_view prefix) {
  return prefix.empty() ? stats::ScopeName(kScope, {}) : stats::ScopeName(kPrefixedScope, {prefix});
}

stats::ScopeName VersionScope(absl::string_view prefix, absl::string_view version) {
  return prefix.empty() ? stats::ScopeName(kVersionScope, {version})
                        : stats::ScopeName(kPrefixedVersionScope, {prefix, version});
}

std::string ToText(absl::string_view bytes) { return base::AsUtf8(bytes, '!'); }

}  // namespace

ProxyProtocol::ProxyProtocol(const ProxyProtocolConfig& config, stats::Registry& registry)
    : config_(config),
      errors_(registry.Open<ProxyErrorStats>(stats::ScopeName(kProcessScope, {}))),
      stats_(registry.Open<ProxyProtocolStats>(Scope(config.stat_prefix))),
      v1_(registry.Open<ProxyVersionStats>(VersionScope(config.stat_prefix, "1"))),
      v2_(registry.Open<ProxyVersionStats>(VersionScope(config.stat_prefix, "2"))) {}

uint32_t ProxyProtocol::limit() const { return kMaxHeader; }

filter::ListenerFilter::Result ProxyProtocol::Inspect(absl::string_view bytes,
                                                      filter::ConnectionFacts& facts) {
  const Result result = Judge(bytes, facts);
  if (result.verdict == Verdict::kReject) errors_->downstream_cx_proxy_proto_error.Inc();
  return result;
}

filter::ListenerFilter::Result ProxyProtocol::Judge(absl::string_view bytes,
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
  if (!header.tlvs.empty()) facts.proxy_notes = Notes(header.tlvs);
  return {Verdict::kDone, header.size};
}

// Null when nothing is to be kept.
std::unique_ptr<const filter::ProxyNotes> ProxyProtocol::Notes(absl::string_view tlvs) const {
  if (config_.rules.empty() && config_.passes.none()) return nullptr;
  auto notes = std::make_unique<filter::ProxyNotes>();
  while (const std::optional<Tlv> tlv = TakeTlv(&tlvs)) {
    if (config_.passes[tlv->type]) notes->passed.push_back({tlv->type, std::string(tlv->value)});
    for (const TlvRule& rule : config_.rules) {
      if (rule.type != tlv->type) continue;
      std::string value = rule.base64 ? absl::Base64Escape(tlv->value) : ToText(tlv->value);
      notes->metadata.Set(rule.space, rule.key, json::Value(std::move(value)));
    }
  }
  if (notes->passed.empty() && notes->metadata.empty()) return nullptr;
  return notes;
}

}  // namespace proxenos::filters::proxy_protocol
