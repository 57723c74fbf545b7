// DegradationStats: what outlier detection counts of hosts that call themselves degraded
// (detect_degraded_hosts).
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: ClusterOutlierScope. Thread: main.
#define PX_DEGRADATION_STATS(X) X(Counter, ejections_detected_degradation)
PX_STATS(DegradationStats, PX_DEGRADATION_STATS);

}  // namespace proxenos::stats
