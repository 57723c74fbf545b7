// The stats of a listener and of the main thread's table of listeners. One line a stat; names are
// Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: ListenerScope. One group a worker.
#define PX_LISTENER_STATS(X)                                 \
  X(Counter, downstream_cx_total)                            \
  X(Gauge, downstream_cx_active)                             \
  X(Counter, downstream_cx_destroy)                          \
  X(Histogram, downstream_cx_length_ms)                      \
  X(Counter, downstream_cx_overflow)                         \
  X(Counter, downstream_global_cx_overflow)                  \
  X(Counter, downstream_cx_transport_socket_connect_timeout) \
  X(Counter, downstream_listener_filter_error)               \
  X(Counter, downstream_listener_filter_remote_close)        \
  X(Gauge, downstream_pre_cx_active)                         \
  X(Counter, downstream_pre_cx_timeout)                      \
  X(Counter, no_filter_chain_match)
PX_STATS(ListenerStats, PX_LISTENER_STATS);

// Opened when the overload manager first refuses a connection. Scope: ListenerScope.
#define PX_LISTENER_OVERLOAD_STATS(X) X(Counter, downstream_cx_overload_reject)
PX_STATS(ListenerOverloadStats, PX_LISTENER_OVERLOAD_STATS);

// How connections spread over the workers. Scope: ListenerWorkerScope.
#define PX_LISTENER_WORKER_STATS(X) \
  X(Counter, downstream_cx_total)   \
  X(Gauge, downstream_cx_active)
PX_STATS(ListenerWorkerStats, PX_LISTENER_WORKER_STATS);

// Scope: kListenerManagerScope. Thread: main.
#define PX_LISTENER_MANAGER_STATS(X)     \
  X(Counter, listener_added)             \
  X(Counter, listener_modified)          \
  X(Counter, listener_in_place_updated)  \
  X(Counter, listener_removed)           \
  X(Counter, listener_create_success)    \
  X(Gauge, total_filter_chains_draining) \
  X(Gauge, total_listeners_active)       \
  X(Gauge, total_listeners_warming)      \
  X(Gauge, total_listeners_draining)     \
  X(Gauge, workers_started)
PX_STATS(ListenerManagerStats, PX_LISTENER_MANAGER_STATS);

}  // namespace proxenos::stats
