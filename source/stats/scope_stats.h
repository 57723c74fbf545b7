// The stats of scoped routes. One line a stat; names are Envoy's.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kScopedRoutesScope{
    "http.$.scoped_rds.$.",
    "http.scoped_rds.",
    {"envoy.http_conn_manager_prefix", "envoy.scoped_rds_config"}};

// Scope: kScopedRoutesScope, of the manager's stat_prefix and ScopedRoutes.name. Thread: main.
#define PX_SCOPE_STATS(X)     \
  X(Counter, config_reload)   \
  X(Counter, update_attempt)  \
  X(Counter, update_success)  \
  X(Counter, update_rejected) \
  X(Gauge, active_scopes)     \
  X(Gauge, all_scopes)        \
  X(Gauge, version)           \
  X(TextReadout, version_text)
PX_STATS(ScopeStats, PX_SCOPE_STATS);

}  // namespace proxenos::stats
