// The stats of a cluster, and of the main thread's table of clusters. One line a stat; names are
// Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// What traffic counts. Scope: ClusterScope. One group a worker, made when the worker first uses the
// cluster.
#define PX_CLUSTER_STATS(X)                             \
  X(Counter, upstream_cx_total)                         \
  X(Gauge, upstream_cx_active)                          \
  X(Counter, upstream_cx_http1_total)                   \
  X(Counter, upstream_cx_http2_total)                   \
  X(Counter, upstream_cx_connect_fail)                  \
  X(Counter, upstream_cx_connect_timeout)               \
  X(Counter, upstream_cx_connect_attempts_exceeded)     \
  X(Counter, upstream_cx_overflow)                      \
  X(Histogram, upstream_cx_connect_ms)                  \
  X(Histogram, upstream_cx_length_ms)                   \
  X(Counter, upstream_cx_destroy)                       \
  X(Counter, upstream_cx_destroy_local)                 \
  X(Counter, upstream_cx_destroy_remote)                \
  X(Counter, upstream_cx_destroy_with_active_rq)        \
  X(Counter, upstream_cx_destroy_local_with_active_rq)  \
  X(Counter, upstream_cx_destroy_remote_with_active_rq) \
  X(Counter, upstream_cx_close_notify)                  \
  X(Counter, upstream_cx_rx_bytes_total)                \
  X(Counter, upstream_cx_tx_bytes_total)                \
  X(Counter, upstream_cx_idle_timeout)                  \
  X(Counter, upstream_cx_max_requests)                  \
  X(Counter, upstream_cx_none_healthy)                  \
  X(Counter, upstream_cx_protocol_error)                \
  X(Counter, upstream_rq_total)                         \
  X(Gauge, upstream_rq_active)                          \
  X(Counter, upstream_rq_pending_total)                 \
  X(Counter, upstream_rq_pending_overflow)              \
  X(Counter, upstream_rq_pending_failure_eject)         \
  X(Gauge, upstream_rq_pending_active)                  \
  X(Counter, upstream_rq_cancelled)                     \
  X(Counter, upstream_rq_timeout)                       \
  X(Counter, upstream_rq_per_try_timeout)               \
  X(Counter, upstream_rq_per_try_idle_timeout)          \
  X(Counter, upstream_rq_max_duration_reached)          \
  X(Counter, upstream_rq_rx_reset)                      \
  X(Counter, upstream_rq_tx_reset)                      \
  X(Counter, upstream_rq_retry)                         \
  X(Counter, upstream_rq_retry_success)                 \
  X(Counter, upstream_rq_retry_overflow)                \
  X(Counter, upstream_rq_retry_limit_exceeded)          \
  X(Counter, upstream_rq_retry_backoff_exponential)     \
  X(Counter, upstream_rq_retry_backoff_ratelimited)     \
  X(ResponseCodes, upstream_rq)                         \
  X(Histogram, upstream_rq_time)                        \
  X(Counter, retry_or_shadow_abandoned)                 \
  X(Counter, lb_healthy_panic)
PX_STATS(ClusterStats, PX_CLUSTER_STATS);

// Of a cluster whose requests keep to our zone, besides the above; opened with it. Scope:
// ClusterScope.
#define PX_CLUSTER_ZONE_STATS(X)             \
  X(Counter, lb_local_cluster_not_ok)        \
  X(Counter, lb_recalculate_zone_structures) \
  X(Counter, lb_zone_cluster_too_small)      \
  X(Counter, lb_zone_no_capacity_left)       \
  X(Counter, lb_zone_routing_all_directly)   \
  X(Counter, lb_zone_routing_cross_zone)     \
  X(Counter, lb_zone_routing_sampled)
PX_STATS(ClusterZoneStats, PX_CLUSTER_ZONE_STATS);

// Once a request was dropped. Scope: ClusterScope. One group a worker.
#define PX_CLUSTER_DROP_STATS(X) X(Counter, upstream_rq_drop_overload)
PX_STATS(ClusterDropStats, PX_CLUSTER_DROP_STATS);

// Of a cluster whose workers lend each other connections, opened with it. Scope: ClusterScope. One
// group a worker.
#define PX_CLUSTER_LENDING_STATS(X) \
  X(Counter, upstream_cx_lent)      \
  X(Counter, upstream_cx_borrowed)  \
  X(Counter, upstream_cx_borrow_timeout)
PX_STATS(ClusterLendingStats, PX_CLUSTER_LENDING_STATS);

// Who is in the cluster and how that came to be. Scope: ClusterScope. Thread: main.
#define PX_CLUSTER_MEMBERSHIP_STATS(X) \
  X(Gauge, membership_total)           \
  X(Gauge, membership_healthy)         \
  X(Gauge, membership_degraded)        \
  X(Counter, membership_change)        \
  X(Gauge, max_host_weight)            \
  X(Counter, update_attempt)           \
  X(Counter, update_success)           \
  X(Counter, update_failure)           \
  X(Counter, update_empty)             \
  X(Counter, update_no_rebuild)        \
  X(Gauge, version)
PX_STATS(ClusterMembershipStats, PX_CLUSTER_MEMBERSHIP_STATS);

// Of a cluster whose endpoints come by EDS, besides the above. Scope: ClusterScope. Thread: main.
#define PX_CLUSTER_EDS_STATS(X)  \
  X(Counter, update_rejected)    \
  X(Counter, init_fetch_timeout) \
  X(TextReadout, version_text)
PX_STATS(ClusterEdsStats, PX_CLUSTER_EDS_STATS);

// 1 while the breaker is open. Scope: CircuitBreakerScope. Limits hold for the process, not a
// worker, so one thread writes these: the main thread, before a reading (Registry::BeforeRead).
#define PX_CIRCUIT_BREAKER_STATS(X) \
  X(Gauge, cx_open)                 \
  X(Gauge, rq_open)                 \
  X(Gauge, rq_pending_open)         \
  X(Gauge, rq_retry_open)
PX_STATS(CircuitBreakerStats, PX_CIRCUIT_BREAKER_STATS);

// Besides the above, where `track_remaining` asks for it.
#define PX_CIRCUIT_BREAKER_REMAINING_STATS(X) \
  X(Gauge, remaining_cx)                      \
  X(Gauge, remaining_rq)                      \
  X(Gauge, remaining_pending)                 \
  X(Gauge, remaining_retries)
PX_STATS(CircuitBreakerRemainingStats, PX_CIRCUIT_BREAKER_REMAINING_STATS);

// Scope: kClusterManagerScope. Thread: main.
#define PX_CLUSTER_MANAGER_STATS(X) \
  X(Counter, cluster_added)         \
  X(Counter, cluster_modified)      \
  X(Counter, cluster_removed)       \
  X(Gauge, active_clusters)         \
  X(Gauge, warming_clusters)
PX_STATS(ClusterManagerStats, PX_CLUSTER_MANAGER_STATS);

}  // namespace proxenos::stats
