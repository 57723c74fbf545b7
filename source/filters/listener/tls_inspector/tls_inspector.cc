// From a hello to facts.
#include "source/filters/listener/tls_inspector/tls_inspector.h"

#include <utility>

#include "source/filters/listener/tls_inspector/client_hello.h"
#include "source/stats/scope.h"

namespace proxenos::filters::tls_inspector {
namespace {

constexpr stats::ScopeShape kScope{"tls_inspector.", "tls_inspector."};
// Headers of records that a hello may be cut into.
constexpr uint32_t kRecordHeaders = 1024;

}  // namespace

TlsInspector::TlsInspector(const TlsInspectorConfig& config, stats::Registry& registry)
    : config_(config), stats_(registry.Open<TlsInspectorStats>(stats::ScopeName(kScope, {}))) {}

uint32_t TlsInspector::limit() const { return kMaxClientHello + kRecordHeaders; }

filter::ListenerFilter::Result TlsInspector::Inspect(absl::string_view bytes,
                                                     filter::ConnectionFacts& facts) {
  ClientHello hello;
  switch (ReadClientHello(bytes, &hello)) {
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
  return {Verdict::kDone, 0};
}

}  // namespace proxenos::filters::tls_inspector
