// HttpInspector: which version of HTTP a connection in plain text begins with, as if ALPN had said
// so. envoy.extensions.filters.listener.http_inspector.v3.HttpInspector
#pragma once

#include "source/filter/listener_filter.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::http_inspector {

// Names are Envoy's. One group a worker.
#define PX_HTTP_INSPECTOR_STATS(X) \
  X(Counter, http10_found)         \
  X(Counter, http11_found)         \
  X(Counter, http2_found)          \
  X(Counter, http_not_found)
PX_STATS(HttpInspectorStats, PX_HTTP_INSPECTOR_STATS);

class HttpInspector final : public filter::ListenerFilter {
 public:
  explicit HttpInspector(stats::Registry& registry);

  uint32_t limit() const override;
  Result Inspect(absl::string_view bytes, filter::ConnectionFacts& facts) override;

 private:
  Result Found(stats::Counter& counter, absl::string_view protocol, filter::ConnectionFacts& facts);

  stats::Group<HttpInspectorStats> stats_;
};

}  // namespace proxenos::filters::http_inspector
