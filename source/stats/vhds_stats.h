// The stats of virtual hosts by discovery and of clusters on demand. One line a stat; names are
// Envoy's.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kVhdsScope{
    "http.$.vhds.$.", "http.vhds.", {"envoy.http_conn_manager_prefix", "envoy.rds_route_config"}};

// Scope: kVhdsScope, of the stat_prefix of the first connection manager that named the route
// configuration, and its name. Thread: main.
#define PX_VHDS_STATS(X)         \
  X(Counter, config_reload)      \
  X(Counter, update_empty)       \
  X(Counter, update_attempt)     \
  X(Counter, update_success)     \
  X(Counter, update_rejected)    \
  X(Counter, init_fetch_timeout) \
  X(Gauge, version)              \
  X(TextReadout, version_text)
PX_STATS(VhdsStats, PX_VHDS_STATS);

// Scope of SubscriptionStats: clusters on demand from sources of their own. What comes over the
// subscription of all clusters counts in kCdsScope.
inline constexpr ScopeShape kOdcdsScope{"cluster_manager.odcds.", "cluster_manager.odcds."};

}  // namespace proxenos::stats
