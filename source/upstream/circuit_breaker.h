// Circuit breakers: how many connections, waiting requests, requests and retries a cluster has
// under way over all workers. One of the three kinds of shared mutable state
// (docs/ARCHITECTURE.md).
//
// Invariant: a count never exceeds the limit that was given when it was taken, and a Release pairs
// with each successful TryAcquire. The limits come with each call (they are of the ClusterConfig),
// so the counts outlive changes of the configuration.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "source/base/check.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Thread: any.
class ResourceCount {
 public:
  // Takes one if fewer than `limit` are taken. Exact: unlike adding first and looking afterwards,
  // it never refuses because of another thread's attempt that is about to be refused itself.
  bool TryAcquire(uint32_t limit) const {
    uint32_t count = count_.load(std::memory_order_relaxed);
    while (count < limit) {
      if (count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  // Takes one whatever the limit: for what must go on (a host's first connection).
  void Acquire() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void Release() const {
    [[maybe_unused]] const uint32_t before = count_.fetch_sub(1, std::memory_order_relaxed);
    DCHECK(before > 0);
  }

  uint32_t count() const { return count_.load(std::memory_order_relaxed); }
  // Stat `*_open`: the next TryAcquire would fail.
  bool Full(uint32_t limit) const { return count() >= limit; }
  // Stat `remaining_*`.
  uint32_t Remaining(uint32_t limit) const {
    const uint32_t taken = count();
    return taken >= limit ? 0 : limit - taken;
  }

 private:
  // Counts are shared through pointers to const; taking one is no change of what is configured.
  mutable std::atomic<uint32_t> count_{0};
};

// The counts of one routing priority.
struct ResourceCounts {
  ResourceCount connections;
  ResourceCount pending_requests;
  ResourceCount requests;
  ResourceCount retries;
};

// Owner: the cluster on the main thread; workers share it. A line of cache of its own, so that
// clusters do not disturb one another.
class alignas(64) CircuitBreakers {
 public:
  const ResourceCounts& of(RoutingPriority priority) const {
    return counts_[static_cast<size_t>(priority)];
  }

  // Whether the cluster was ever connected to for a request: checks of its hosts go by that.
  bool used() const { return used_.load(std::memory_order_relaxed); }
  void NoteUse() const {
    if (!used()) used_.store(true, std::memory_order_relaxed);
  }

 private:
  std::array<ResourceCounts, kRoutingPriorities> counts_;
  mutable std::atomic<bool> used_{false};
};

}  // namespace proxenos::upstream
