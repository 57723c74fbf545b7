// The stats of the process and of its subscriptions. One line a stat; names are Envoy's. All are
// written by the main thread. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: kServerScope. The gauges of memory and time are set before a reading
// (Registry::BeforeRead).
#define PX_SERVER_STATS(X)                 \
  X(Gauge, uptime)                         \
  X(Gauge, live)                           \
  X(Gauge, state)                          \
  X(Gauge, concurrency)                    \
  X(Gauge, total_connections)              \
  X(Gauge, parent_connections)             \
  X(Gauge, hot_restart_epoch)              \
  X(Gauge, memory_allocated)               \
  X(Gauge, memory_heap_size)               \
  X(Gauge, memory_physical_size)           \
  X(Gauge, version)                        \
  X(Gauge, days_until_first_cert_expiring) \
  X(Counter, static_unknown_fields)        \
  X(Counter, dynamic_unknown_fields)       \
  X(Histogram, initialization_time_ms)
PX_STATS(ServerStats, PX_SERVER_STATS);

// Of one xDS subscription. Scope: kCdsScope, kLdsScope, RdsScope. (EDS: ClusterEdsStats.)
#define PX_SUBSCRIPTION_STATS(X) \
  X(Counter, update_attempt)     \
  X(Counter, update_success)     \
  X(Counter, update_failure)     \
  X(Counter, update_rejected)    \
  X(Counter, init_fetch_timeout) \
  X(Gauge, update_time)          \
  X(Gauge, version)              \
  X(TextReadout, version_text)
PX_STATS(SubscriptionStats, PX_SUBSCRIPTION_STATS);

// Besides, in the scope of CDS and RDS: what of the updates changed something.
#define PX_CONFIG_RELOAD_STATS(X) \
  X(Counter, config_reload)       \
  X(Gauge, config_reload_time_ms)
PX_STATS(ConfigReloadStats, PX_CONFIG_RELOAD_STATS);

// Besides, in the scope of RDS.
#define PX_RDS_STATS(X) X(Counter, update_empty)
PX_STATS(RdsStats, PX_RDS_STATS);

// Scope: kControlPlaneScope.
#define PX_CONTROL_PLANE_STATS(X) \
  X(Gauge, connected_state)       \
  X(Counter, rate_limit_enforced) \
  X(Gauge, pending_requests)      \
  X(TextReadout, identifier)
PX_STATS(ControlPlaneStats, PX_CONTROL_PLANE_STATS);

}  // namespace proxenos::stats
