// The stats of a TCP proxy. One line a stat; names are Envoy's. Rule: a line stands here only if
// code counts it.
#pragma once

#include "source/stats/schema.h"

namespace proxenos::stats {

// Scope: TcpScope. One group a worker.
#define PX_TCP_STATS(X)                                     \
  X(Counter, downstream_cx_total)                           \
  X(Counter, downstream_cx_no_route)                        \
  X(Counter, downstream_cx_rx_bytes_total)                  \
  X(Gauge, downstream_cx_rx_bytes_buffered)                 \
  X(Counter, downstream_cx_tx_bytes_total)                  \
  X(Gauge, downstream_cx_tx_bytes_buffered)                 \
  X(Counter, downstream_flow_control_paused_reading_total)  \
  X(Counter, downstream_flow_control_resumed_reading_total) \
  X(Counter, early_data_received_count_total)               \
  X(Counter, idle_timeout)                                  \
  X(Counter, max_downstream_connection_duration)
PX_STATS(TcpStats, PX_TCP_STATS);

}  // namespace proxenos::stats
