// The stats of active health checks and of outlier detection. Names are Envoy's. Rule: a line
// stands here only if code counts it.
#pragma once

#include "absl/strings/string_view.h"
#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// cluster.NAME.health_check. and cluster.NAME.outlier_detection.
ScopeName ClusterHealthCheckScope(absl::string_view cluster);
ScopeName ClusterOutlierScope(absl::string_view cluster);

// Hosts that count neither as healthy nor as unhealthy. Scope: ClusterScope. Thread: main.
#define PX_CLUSTER_EXCLUDED_STATS(X) X(Gauge, membership_excluded)
PX_STATS(ClusterExcludedStats, PX_CLUSTER_EXCLUDED_STATS);

// Of assignments with an endpoint_stale_after: those that came, and those that grew old. Scope:
// ClusterScope. Thread: main.
#define PX_CLUSTER_STALE_STATS(X)         \
  X(Counter, assignment_timeout_received) \
  X(Counter, assignment_stale)
PX_STATS(ClusterStaleStats, PX_CLUSTER_STALE_STATS);

// Scope: ClusterHealthCheckScope. Thread: main. Of clusters with a health check.
#define PX_HEALTH_CHECK_STATS(X) \
  X(Counter, attempt)            \
  X(Counter, success)            \
  X(Counter, failure)            \
  X(Counter, passive_failure)    \
  X(Counter, network_failure)    \
  X(Counter, verify_cluster)     \
  X(Gauge, healthy)              \
  X(Gauge, degraded)
PX_STATS(HealthCheckStats, PX_HEALTH_CHECK_STATS);

// Scope: ClusterOutlierScope. Thread: main. Of clusters with outlier detection.
#define PX_OUTLIER_STATS(X)                                       \
  X(Counter, ejections_total)                                     \
  X(Gauge, ejections_active)                                      \
  X(Counter, ejections_overflow)                                  \
  X(Counter, ejections_consecutive_5xx)                           \
  X(Counter, ejections_success_rate)                              \
  X(Counter, ejections_enforced_total)                            \
  X(Counter, ejections_enforced_consecutive_5xx)                  \
  X(Counter, ejections_detected_consecutive_5xx)                  \
  X(Counter, ejections_enforced_consecutive_gateway_failure)      \
  X(Counter, ejections_detected_consecutive_gateway_failure)      \
  X(Counter, ejections_enforced_success_rate)                     \
  X(Counter, ejections_detected_success_rate)                     \
  X(Counter, ejections_enforced_consecutive_local_origin_failure) \
  X(Counter, ejections_detected_consecutive_local_origin_failure) \
  X(Counter, ejections_enforced_local_origin_success_rate)        \
  X(Counter, ejections_detected_local_origin_success_rate)        \
  X(Counter, ejections_enforced_failure_percentage)               \
  X(Counter, ejections_detected_failure_percentage)               \
  X(Counter, ejections_enforced_local_origin_failure_percentage)  \
  X(Counter, ejections_detected_local_origin_failure_percentage)
PX_STATS(OutlierStats, PX_OUTLIER_STATS);

}  // namespace proxenos::stats
