// The stats of sinks. One line a stat. Thread: main. Rule: a line stands here only if code counts
// it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kStatsdScope{"statsd.", "statsd."};
inline constexpr ScopeShape kMetricsServiceScope{"metrics_service.", "metrics_service."};

// Of all sinks that speak statsd. cx_overflow is Envoy's: the lines of an interval did not all fit
// into what waits for the peer. lines_dropped: how many did not, or could not be sent.
// Scope: kStatsdScope.
#define PX_STATSD_STATS(X)  \
  X(Counter, lines_sent)    \
  X(Counter, lines_dropped) \
  X(Counter, cx_overflow)
PX_STATS(StatsdStats, PX_STATSD_STATS);

// Scope: kMetricsServiceScope.
#define PX_METRICS_SERVICE_STATS(X) \
  X(Counter, streams)               \
  X(Counter, messages_sent)         \
  X(Counter, messages_dropped)
PX_STATS(MetricsServiceStats, PX_METRICS_SERVICE_STATS);

}  // namespace proxenos::stats
