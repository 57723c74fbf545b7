// What requests of a virtual cluster, or of a route with a stat_prefix, come to. One line a stat;
// names are Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kVirtualClusterScope{
    "vhost.$.vcluster.$.", "vhost.vcluster.", {"envoy.virtual_host", "envoy.virtual_cluster"}};
inline constexpr ScopeShape kRouteScope{
    "vhost.$.route.$.", "vhost.route.", {"envoy.virtual_host", "envoy.route"}};

// Scope: kVirtualClusterScope or kRouteScope. One group a worker, made with the first request.
#define PX_ROUTE_STATS(X)                      \
  X(Counter, upstream_rq_total)                \
  X(Counter, upstream_rq_timeout)              \
  X(Counter, upstream_rq_retry)                \
  X(Counter, upstream_rq_retry_success)        \
  X(Counter, upstream_rq_retry_overflow)       \
  X(Counter, upstream_rq_retry_limit_exceeded) \
  X(ResponseCodes, upstream_rq)                \
  X(Histogram, upstream_rq_time)
PX_STATS(RouteStats, PX_ROUTE_STATS);

}  // namespace proxenos::stats
