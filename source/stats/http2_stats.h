// The stats of HTTP/2 sessions of a connection manager or a cluster. Names are Envoy's where it has
// the stat. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: kHttp2Scope of connection managers, ClusterHttp2Scope. One group a worker.
#define PX_HTTP2_STATS(X)                                   \
  X(Counter, dropped_headers_with_underscores)              \
  X(Counter, goaway_sent)                                   \
  X(Counter, header_overflow)                               \
  X(Counter, inbound_continuation_flood)                    \
  X(Counter, inbound_empty_frames_flood)                    \
  X(Counter, inbound_ping_flood)                            \
  X(Counter, inbound_priority_frames_flood)                 \
  X(Counter, inbound_settings_flood)                        \
  X(Counter, inbound_window_update_frames_flood)            \
  X(Counter, keepalive_timeout)                             \
  X(Counter, outbound_control_flood)                        \
  X(Counter, outbound_flood)                                \
  X(Counter, reset_flood)                                   \
  X(Counter, requests_rejected_with_underscores_in_headers) \
  X(Counter, rx_messaging_error)                            \
  X(Counter, rx_reset)                                      \
  X(Counter, stream_refused_errors)                         \
  X(Counter, trailers)                                      \
  X(Counter, tx_flush_timeout)                              \
  X(Counter, tx_reset)                                      \
  X(Gauge, streams_active)                                  \
  X(Gauge, pending_send_bytes)
PX_STATS(Http2Stats, PX_HTTP2_STATS);

}  // namespace proxenos::stats
