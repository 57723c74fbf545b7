// The stats of internal redirects. One line a stat; names are Envoy's.
// Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// Redirects that went to the client, by why. Opened by the first. Scope: HttpScope.
#define PX_HTTP_REDIRECT_STATS(X)                              \
  X(Counter, passthrough_internal_redirect_bad_location)       \
  X(Counter, passthrough_internal_redirect_unsafe_scheme)      \
  X(Counter, passthrough_internal_redirect_too_many_redirects) \
  X(Counter, passthrough_internal_redirect_no_route)           \
  X(Counter, passthrough_internal_redirect_predicate)
PX_STATS(HttpRedirectStats, PX_HTTP_REDIRECT_STATS);

// Opened by the first redirect that a policy covers. Scope: ClusterScope.
#define PX_CLUSTER_REDIRECT_STATS(X)                     \
  X(Counter, upstream_internal_redirect_succeeded_total) \
  X(Counter, upstream_internal_redirect_failed_total)
PX_STATS(ClusterRedirectStats, PX_CLUSTER_REDIRECT_STATS);

}  // namespace proxenos::stats
