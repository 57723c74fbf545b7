// The stats of datagrams: of a listener, of the UDP proxy and of the clusters that it sends to. One
// line a stat; names are Envoy's. Rule: a line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// Scope: kUdpListenerScope, of the listener's address. One group a worker.
#define PX_UDP_LISTENER_STATS(X) X(Counter, downstream_rx_datagram_dropped)
PX_STATS(UdpListenerStats, PX_UDP_LISTENER_STATS);
inline constexpr ScopeShape kUdpListenerScope{
    "listener.$.udp.", "listener.udp.", {"envoy.listener_address"}};

// Scope: kUdpScope, of the proxy's stat_prefix. One group a worker.
#define PX_UDP_STATS(X)                    \
  X(Gauge, downstream_sess_active)         \
  X(Counter, downstream_sess_no_route)     \
  X(Counter, downstream_sess_rx_bytes)     \
  X(Counter, downstream_sess_rx_datagrams) \
  X(Counter, downstream_sess_rx_errors)    \
  X(Counter, downstream_sess_total)        \
  X(Counter, downstream_sess_tx_bytes)     \
  X(Counter, downstream_sess_tx_datagrams) \
  X(Counter, downstream_sess_tx_errors)    \
  X(Counter, idle_timeout)
PX_STATS(UdpStats, PX_UDP_STATS);
inline constexpr ScopeShape kUdpScope{"udp.$.", "udp.", {"envoy.udp_prefix"}};

// Scope: kUdpClusterScope, of the cluster. One group a worker and proxy.
#define PX_UDP_CLUSTER_STATS(X)         \
  X(Counter, sess_rx_datagrams)         \
  X(Counter, sess_rx_datagrams_dropped) \
  X(Counter, sess_rx_errors)            \
  X(Counter, sess_tx_datagrams)         \
  X(Counter, sess_tx_errors)
PX_STATS(UdpClusterStats, PX_UDP_CLUSTER_STATS);
inline constexpr ScopeShape kUdpClusterScope{
    "cluster.$.udp.", "cluster.udp.", {"envoy.cluster_name"}};

}  // namespace proxenos::stats
