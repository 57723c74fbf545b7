// The stats of a DNS cache of dynamic forward proxies. One line a stat; names are Envoy's. Rule: a
// line stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kDnsCacheScope{"dns_cache.$.", "dns_cache.", {"envoy.dns_cache_name"}};
inline constexpr ScopeShape kDnsCacheBreakerScope{
    "dns_cache.$.circuit_breakers.", "dns_cache.circuit_breakers.", {"envoy.dns_cache_name"}};

// Scope: kDnsCacheScope. Thread: main.
#define PX_DNS_CACHE_STATS(X)      \
  X(Counter, dns_query_attempt)    \
  X(Counter, dns_query_success)    \
  X(Counter, dns_query_failure)    \
  X(Counter, dns_query_timeout)    \
  X(Counter, host_added)           \
  X(Counter, host_address_changed) \
  X(Counter, host_overflow)        \
  X(Counter, host_removed)         \
  X(Gauge, num_hosts)
PX_STATS(DnsCacheStats, PX_DNS_CACHE_STATS);

// Scope: kDnsCacheScope. One group a worker.
#define PX_DNS_CACHE_REQUEST_STATS(X) X(Counter, dns_rq_pending_overflow)
PX_STATS(DnsCacheRequestStats, PX_DNS_CACHE_REQUEST_STATS);

// Scope: kDnsCacheBreakerScope. Thread: main, before a reading.
#define PX_DNS_CACHE_BREAKER_STATS(X) \
  X(Gauge, rq_pending_open)           \
  X(Gauge, rq_pending_remaining)
PX_STATS(DnsCacheBreakerStats, PX_DNS_CACHE_BREAKER_STATS);

}  // namespace proxenos::stats
