// The stats of tracing: what connection managers decide, and what becomes of spans. One line a
// stat; names are Envoy's, but for spans_dropped, and spans_sent of Datadog.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kHttpTracingScope{
    "http.$.tracing.", "http.tracing.", {"envoy_http_conn_manager_prefix"}};

// Requests by why they are traced, or that they are not. Scope: kHttpTracingScope.
#define PX_HTTP_TRACING_STATS(X) \
  X(Counter, random_sampling)    \
  X(Counter, service_forced)     \
  X(Counter, client_enabled)     \
  X(Counter, not_traceable)
PX_STATS(HttpTracingStats, PX_HTTP_TRACING_STATS);

inline constexpr ScopeShape kZipkinScope{"tracing.zipkin.", "tracing.zipkin."};

inline constexpr ScopeShape kDatadogScope{"tracing.datadog.", "tracing.datadog."};

// Scope: kZipkinScope, kDatadogScope. A report is a message with spans. spans_dropped: there was no
// room for them.
#define PX_ZIPKIN_STATS(X)               \
  X(Counter, spans_sent)                 \
  X(Counter, spans_dropped)              \
  X(Counter, timer_flushed)              \
  X(Counter, reports_skipped_no_cluster) \
  X(Counter, reports_sent)               \
  X(Counter, reports_dropped)            \
  X(Counter, reports_failed)
PX_STATS(ZipkinStats, PX_ZIPKIN_STATS);

inline constexpr ScopeShape kOpenTelemetryScope{"tracing.opentelemetry.", "tracing.opentelemetry."};

// Scope: kOpenTelemetryScope.
#define PX_OPENTELEMETRY_STATS(X) \
  X(Counter, spans_sent)          \
  X(Counter, spans_dropped)       \
  X(Counter, timer_flushed)
PX_STATS(OpenTelemetryStats, PX_OPENTELEMETRY_STATS);

}  // namespace proxenos::stats
