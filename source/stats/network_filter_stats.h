// The stats of network filters. One line a stat; names are Envoy's. Rule: a line stands here only
// if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// Scope: connection_limit.PREFIX.
#define PX_CONNECTION_LIMIT_STATS(X) \
  X(Gauge, active_connections)       \
  X(Counter, limited_connections)
PX_STATS(ConnectionLimitStats, PX_CONNECTION_LIMIT_STATS);

// Scope: local_rate_limit.PREFIX.
#define PX_NETWORK_RATE_LIMIT_STATS(X) X(Counter, rate_limited)
PX_STATS(NetworkRateLimitStats, PX_NETWORK_RATE_LIMIT_STATS);

// Scope: kRbacScope.
#define PX_RBAC_STATS(X) \
  X(Counter, allowed)    \
  X(Counter, denied)
PX_STATS(RbacStats, PX_RBAC_STATS);
inline constexpr ScopeShape kRbacScope{"$.rbac.", "rbac.", {"envoy.rbac_prefix"}};

// Of rules that are on trial. Scope: kRbacScope, or kRbacShadowScope where they have a prefix.
#define PX_RBAC_SHADOW_STATS(X) \
  X(Counter, shadow_allowed)    \
  X(Counter, shadow_denied)
PX_STATS(RbacShadowStats, PX_RBAC_SHADOW_STATS);
inline constexpr ScopeShape kRbacShadowScope{
    "$.rbac.$.", "rbac.", {"envoy.rbac_prefix", "envoy.rbac_shadow_prefix"}};

}  // namespace proxenos::stats
