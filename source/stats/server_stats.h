// The stats of the process and of its subscriptions. One line a stat; names are Envoy's. All are
// written by the main thread. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: kServerScope. The gauges of memory and time are set before a reading
// (Registry::BeforeRead).
#define PX_SERVER_STATS(X)       \
  X(Gauge, uptime)               \
  X(Gauge, live)                 \
  X(Gauge, state)                \
  X(Gauge, concurrency)          \
  X(Gauge, total_connections)    \
  X(Gauge, hot_restart_epoch)    \
  X(Gauge, memory_allocated)     \
  X(Gauge, memory_heap_size)     \
  X(Gauge, memory_physical_size) \
  X(Gauge, version)              \
  X(Gauge, days_until_first_cert_expiring)
PX_STATS(ServerStats, PX_SERVER_STATS);

// From the start of the process until it serves, once it does. Scope: kServerScope.
#define PX_SERVER_START_STATS(X) X(Histogram, initialization_time_ms)
PX_STATS(ServerStartStats, PX_SERVER_START_STATS);

// How long a turn of an event loop kept its thread, in microseconds. Counted with
// Bootstrap.enable_dispatcher_stats alone. Scope: kServerDispatcherScope, WorkerDispatcherScope.
#define PX_DISPATCHER_STATS(X) X(Histogram, loop_duration_us)
PX_STATS(DispatcherStats, PX_DISPATCHER_STATS);

// Scope: kRuntimeScope. All are Envoy's but the last: keys that are switches of Envoy's own code,
// which nothing here asks for.
#define PX_RUNTIME_STATS(X)           \
  X(Counter, load_error)              \
  X(Counter, load_success)            \
  X(Counter, override_dir_exists)     \
  X(Counter, override_dir_not_exists) \
  X(Gauge, admin_overrides_active)    \
  X(Gauge, num_keys)                  \
  X(Gauge, num_layers)                \
  X(Gauge, num_ignored_keys)
PX_STATS(RuntimeStats, PX_RUNTIME_STATS);

// How many fields of the configuration in force are set and have no effect: those of the bootstrap,
// and those of what xDS sent. Scope: kServerScope, besides the above. Not Envoy's names: its
// `static_unknown_fields` are fields that it cannot parse.
#define PX_CONFIG_FIELD_STATS(X)  \
  X(Gauge, static_ignored_fields) \
  X(Gauge, dynamic_ignored_fields)
PX_STATS(ConfigFieldStats, PX_CONFIG_FIELD_STATS);

// Of one xDS subscription. Scope: kCdsScope or kLdsScope. (EDS: ClusterEdsStats.)
#define PX_SUBSCRIPTION_STATS(X) \
  X(Counter, update_attempt)     \
  X(Counter, update_success)     \
  X(Counter, update_failure)     \
  X(Counter, update_rejected)    \
  X(Counter, init_fetch_timeout) \
  X(Gauge, version)              \
  X(TextReadout, version_text)
PX_STATS(SubscriptionStats, PX_SUBSCRIPTION_STATS);

// Scope: kControlPlaneScope.
#define PX_CONTROL_PLANE_STATS(X) \
  X(Gauge, connected_state)       \
  X(Gauge, pending_requests)      \
  X(Counter, rate_limit_enforced) \
  X(TextReadout, identifier)
PX_STATS(ControlPlaneStats, PX_CONTROL_PLANE_STATS);

}  // namespace proxenos::stats
