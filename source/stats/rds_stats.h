// The stats of route configurations by discovery. One line a stat; names are Envoy's.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kRdsScope{
    "http.$.rds.$.", "http.rds.", {"envoy.http_conn_manager_prefix", "envoy.rds_route_config"}};

// Scope: kRdsScope, of the stat_prefix of the first connection manager that named the route
// configuration, and its name. Thread: main.
#define PX_RDS_STATS(X)          \
  X(Counter, config_reload)      \
  X(Counter, update_attempt)     \
  X(Counter, update_success)     \
  X(Counter, update_rejected)    \
  X(Counter, init_fetch_timeout) \
  X(Gauge, version)              \
  X(TextReadout, version_text)
PX_STATS(RdsStats, PX_RDS_STATS);

}  // namespace proxenos::stats
