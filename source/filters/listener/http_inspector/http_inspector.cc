// A first line, or HTTP/2's preface.
#include "source/filters/listener/http_inspector/http_inspector.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "source/base/limits.h"
#include "source/http/chars.h"
#include "source/http/preface.h"
#include "source/stats/scope.h"

namespace proxenos::filters::http_inspector {
namespace {

constexpr stats::ScopeShape kScope{"http_inspector.", "http_inspector."};

}  // namespace

HttpInspector::HttpInspector(stats::Registry& registry)
    : stats_(registry.Open<HttpInspectorStats>(stats::ScopeName(kScope, {}))) {}

uint32_t HttpInspector::limit() const { return base::limits::kMaxStartLineBytes; }

filter::ListenerFilter::Result HttpInspector::Found(stats::Counter& counter,
                                                    absl::string_view protocol,
                                                    filter::ConnectionFacts& facts) {
  counter.Inc();
  facts.application_protocols.assign(1, std::string(protocol));
  return {Verdict::kDone, 0};
}

filter::ListenerFilter::Result HttpInspector::Inspect(absl::string_view bytes,
                                                      filter::ConnectionFacts& facts) {
  if (facts.transport_protocol == "tls") return {Verdict::kDone, 0};
  switch (http::BeginningOf(bytes)) {
    case http::Beginning::kUndecided:
      return {Verdict::kMore, 0};
    case http::Beginning::kHttp2:
      return Found(stats_->http2_found, "h2c", facts);
    case http::Beginning::kHttp1:
      break;
  }
  const size_t method = std::min(bytes.size(), bytes.find(' '));
  const bool is_method =
      method > 0 && std::all_of(bytes.begin(), bytes.begin() + method, http::IsTokenChar);
  const size_t end = bytes.find('\n');
  if (is_method && end == absl::string_view::npos && bytes.size() < limit()) {
    return {Verdict::kMore, 0};
  }
  absl::string_view line = bytes.substr(0, end);
  if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
  if (is_method && end != absl::string_view::npos) {
    if (absl::EndsWith(line, " HTTP/1.1")) return Found(stats_->http11_found, "http/1.1", facts);
    if (absl::EndsWith(line, " HTTP/1.0")) return Found(stats_->http10_found, "http/1.0", facts);
  }
  stats_->http_not_found.Inc();
  return {Verdict::kDone, 0};
}

}  // namespace proxenos::filters::http_inspector
