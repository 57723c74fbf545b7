// DnsCacheKeeper: finds out what the names of a SharedDnsCache lead to, and keeps that up to date:
// the main thread's side of it.
//
// A name is asked for again when its records run out, at failures after a back-off; one that
// nobody used for host_ttl is forgotten then. A full cache makes room by forgetting the name, of
// some drawn at random, that was not used for longest: who asks for ever new names must not lock
// out everybody else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"
#include "source/stats/dns_cache_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/dns_cache.h"

namespace proxenos::upstream {

// Owner: the main thread's table of caches. Thread: main.
class DnsCacheKeeper {
 public:
  // `resolver` is a share in the one that the settings ask for (net/dns_resolvers.h).
  DnsCacheKeeper(event::EventLoop& loop, std::unique_ptr<net::DnsResolver> resolver,
                 stats::Registry& registry, DnsCacheSettings settings);
  ~DnsCacheKeeper();
  DnsCacheKeeper(const DnsCacheKeeper&) = delete;
  DnsCacheKeeper& operator=(const DnsCacheKeeper&) = delete;

  const std::shared_ptr<const SharedDnsCache>& cache() const { return cache_; }
  // A worker has entered a name. No-op for one that is known.
  void Ask(const DynamicName& name);
  // Brings gauges up to date.
  void RefreshStats();

 private:
  class Name;

  bool MakeRoom();
  void Forget(Name& name);

  event::EventLoop& loop_;
  const std::unique_ptr<net::DnsResolver> resolver_;
  const DnsCacheSettings settings_;
  const std::shared_ptr<const SharedDnsCache> cache_;
  stats::Group<stats::DnsCacheStats> stats_;
  stats::Group<stats::DnsCacheBreakerStats> breaker_stats_;
  absl::flat_hash_map<std::string, size_t> index_;  // Into names_, by key.
  std::vector<std::unique_ptr<Name>> names_;        // In no order: one that goes is filled up.
};

}  // namespace proxenos::upstream
