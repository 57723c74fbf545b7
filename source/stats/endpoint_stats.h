// The stats that a cluster has when its track_cluster_stats asks for them. One line a stat; names
// are Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// per_endpoint_stats. Scope: cluster.NAME.endpoint.ADDRESS. One group a worker.
#define PX_ENDPOINT_STATS(X)  \
  X(Counter, cx_total)        \
  X(Gauge, cx_active)         \
  X(Counter, cx_connect_fail) \
  X(Counter, rq_total)        \
  X(Gauge, rq_active)         \
  X(Counter, rq_success)      \
  X(Counter, rq_error)        \
  X(Counter, rq_timeout)
PX_STATS(EndpointStats, PX_ENDPOINT_STATS);

// request_response_sizes, in bytes. Scope: ClusterScope. One group a worker.
#define PX_CLUSTER_SIZE_STATS(X)         \
  X(Histogram, upstream_rq_headers_size) \
  X(Histogram, upstream_rq_body_size)    \
  X(Histogram, upstream_rs_headers_size) \
  X(Histogram, upstream_rs_body_size)
PX_STATS(ClusterSizeStats, PX_CLUSTER_SIZE_STATS);

// timeout_budgets: what share of its timeouts a request took, in percent. Scope: ClusterScope. One
// group a worker.
#define PX_CLUSTER_BUDGET_STATS(X)                      \
  X(Histogram, upstream_rq_timeout_budget_percent_used) \
  X(Histogram, upstream_rq_timeout_budget_per_try_percent_used)
PX_STATS(ClusterBudgetStats, PX_CLUSTER_BUDGET_STATS);

}  // namespace proxenos::stats
