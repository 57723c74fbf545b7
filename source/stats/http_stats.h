// The stats of an HTTP connection manager and of its routes. One line a stat; names are Envoy's.
// Rule: a line stands here only if code counts it.
#pragma once

#include <cstdint>

#include "source/stats/schema.h"

namespace proxenos::stats {

// Opened when the overload manager first acts. Scope: HttpScope.
#define PX_HTTP_OVERLOAD_STATS(X)          \
  X(Counter, downstream_rq_overload_close) \
  X(Counter, downstream_cx_overload_disable_keepalive)
PX_STATS(HttpOverloadStats, PX_HTTP_OVERLOAD_STATS);

// Scope: HttpScope. One group a worker.
#define PX_HTTP_STATS(X)                                    \
  X(Counter, downstream_cx_total)                           \
  X(Gauge, downstream_cx_active)                            \
  X(Counter, downstream_cx_http1_total)                     \
  X(Gauge, downstream_cx_http1_active)                      \
  X(Counter, downstream_cx_http2_total)                     \
  X(Gauge, downstream_cx_http2_active)                      \
  X(Counter, downstream_cx_ssl_total)                       \
  X(Gauge, downstream_cx_ssl_active)                        \
  X(Counter, downstream_cx_destroy)                         \
  X(Counter, downstream_cx_destroy_local)                   \
  X(Counter, downstream_cx_destroy_remote)                  \
  X(Counter, downstream_cx_destroy_active_rq)               \
  X(Counter, downstream_cx_destroy_local_active_rq)         \
  X(Counter, downstream_cx_destroy_remote_active_rq)        \
  X(Counter, downstream_cx_drain_close)                     \
  X(Counter, downstream_cx_idle_timeout)                    \
  X(Counter, downstream_cx_max_duration_reached)            \
  X(Counter, downstream_cx_max_requests_reached)            \
  X(Counter, downstream_cx_protocol_error)                  \
  X(Histogram, downstream_cx_length_ms)                     \
  X(Counter, downstream_cx_rx_bytes_total)                  \
  X(Counter, downstream_cx_tx_bytes_total)                  \
  X(Counter, downstream_cx_upgrades_total)                  \
  X(Gauge, downstream_cx_upgrades_active)                   \
  X(Counter, downstream_rq_total)                           \
  X(Gauge, downstream_rq_active)                            \
  X(Counter, downstream_rq_http1_total)                     \
  X(Counter, downstream_rq_http2_total)                     \
  X(Counter, downstream_rq_1xx)                             \
  X(Counter, downstream_rq_2xx)                             \
  X(Counter, downstream_rq_3xx)                             \
  X(Counter, downstream_rq_4xx)                             \
  X(Counter, downstream_rq_5xx)                             \
  X(Counter, downstream_rq_completed)                       \
  X(Histogram, downstream_rq_time)                          \
  X(Counter, downstream_rq_timeout)                         \
  X(Counter, downstream_rq_header_timeout)                  \
  X(Counter, downstream_rq_idle_timeout)                    \
  X(Counter, downstream_rq_max_duration_reached)            \
  X(Counter, downstream_rq_rx_reset)                        \
  X(Counter, downstream_rq_tx_reset)                        \
  X(Counter, downstream_rq_response_before_rq_complete)     \
  X(Counter, downstream_rq_too_large)                       \
  X(Counter, downstream_rq_ws_on_non_ws_route)              \
  X(Counter, downstream_rq_redirected_with_normalized_path) \
  X(Counter, downstream_rq_failed_path_normalization)       \
  X(Counter, no_cluster)                                    \
  X(Counter, no_route)                                      \
  X(Counter, rq_direct_response)                            \
  X(Counter, rq_overload_local_reply)                       \
  X(Counter, rq_redirect)                                   \
  X(Counter, rq_total)                                      \
  X(Counter, rq_reset_after_downstream_response_started)    \
  X(Counter, rq_retry_skipped_request_not_complete)
PX_STATS(HttpStats, PX_HTTP_STATS);

// The same responses by listener. Scope: ListenerHttpScope. One group a worker.
#define PX_LISTENER_HTTP_STATS(X) \
  X(Counter, downstream_rq_1xx)   \
  X(Counter, downstream_rq_2xx)   \
  X(Counter, downstream_rq_3xx)   \
  X(Counter, downstream_rq_4xx)   \
  X(Counter, downstream_rq_5xx)   \
  X(Counter, downstream_rq_completed)
PX_STATS(ListenerHttpStats, PX_LISTENER_HTTP_STATS);

// Counts a finished response by its class. Stats: HttpStats or ListenerHttpStats.
template <class Stats>
void CountDownstreamResponse(Stats& stats, uint32_t status) {
  stats.downstream_rq_completed.Inc();
  switch (status / 100) {
    case 1:
      return stats.downstream_rq_1xx.Inc();
    case 2:
      return stats.downstream_rq_2xx.Inc();
    case 3:
      return stats.downstream_rq_3xx.Inc();
    case 4:
      return stats.downstream_rq_4xx.Inc();
    case 5:
      return stats.downstream_rq_5xx.Inc();
    default:
      return;
  }
}

}  // namespace proxenos::stats
