// From a hello to facts.
#include "source/filters/listener/tls_inspector/tls_inspector.h"

#include <memory>
#include <utility>

#include "source/filter/tls_fingerprints.h"
#include "source/filters/listener/tls_inspector/fingerprint.h"
#include "source/stats/scope.h"

namespace proxenos::filters::tls_inspector {
namespace {

constexpr stats::ScopeShape kScope{"tls_inspector.", "tls_inspector."};
// Headers of records that a hello may be cut into.
constexpr uint32_t kRecordHeaders = 1024;

}  // namespace

TlsInspector::TlsInspector(const TlsInspectorConfig& config, stats::Registry& registry)
    : config_(config), stats_(registry.Open<TlsInspectorStats>(stats::ScopeName(kScope, {}))) {}

uint32_t TlsInspector::limit() const { return config_.limits.most_bytes + kRecordHeaders; }

filter::ListenerFilter::Result TlsInspector::Inspect(absl::string_view bytes,
                                                     filter::ConnectionFacts& facts) {
  ClientHello hello;
  HelloShape shape;
  const bool fingerprints = config_.ja3 || config_.ja4;
  switch (ReadClientHello(bytes, config_.limits, &hello, fingerprints ? &shape : nullptr)) {
    case Hello::kMore:
      return {Verdict::kMore, 0};
    case Hello::kTooLarge:
      stats_->client_hello_too_large.Inc();
      return {Verdict::kReject, 0};
    case Hello::kBroken:
      stats_->tls_not_found.Inc();
      return {config_.close_on_broken_hello ? Verdict::kReject : Verdict::kDone, 0};
    case Hello::kNotTls:
      stats_->tls_not_found.Inc();
      return {Verdict::kDone, 0};
    case Hello::kFound:
      break;
  }
  stats_->tls_found.Inc();
  hello.server_name.empty() ? stats_->sni_not_found.Inc() : stats_->sni_found.Inc();
  hello.protocols.empty() ? stats_->alpn_not_found.Inc() : stats_->alpn_found.Inc();
  facts.transport_protocol = "tls";
  facts.server_name = std::move(hello.server_name);
  facts.application_protocols = std::move(hello.protocols);
  if (fingerprints) NoteFingerprints(shape, facts);
  return {Verdict::kDone, 0};
}

void TlsInspector::NoteFingerprints(const HelloShape& shape, filter::ConnectionFacts& facts) const {
  auto part = std::make_unique<filter::TlsFingerprints>();
  if (config_.ja3) part->ja3 = Ja3(shape);
  if (config_.ja4) part->ja4 = Ja4(shape);
  facts.parts.emplace_back(&filter::TlsFingerprints::kKeeper, std::move(part));
}

}  // namespace proxenos::filters::tls_inspector
