// LoadCounts, ClusterLoad: what is told of a host and of a cluster to whoever balances load over
// many proxies (load_stats.v3.LoadReportingService). They exist where load is reported at all.
//
// Owner: the cluster and its hosts on the main thread; workers share them. Thread: any. One of the
// kinds of shared mutable state (docs/ARCHITECTURE.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace proxenos::upstream {

class LoadMetrics;  // load_metrics.h

// Of one host. A line of cache of its own: all workers write here.
class alignas(64) LoadCounts {
 public:
  // A request was sent to it; paired with an End.
  void Begin() const {
    issued_.fetch_add(1, std::memory_order_relaxed);
    active_.fetch_add(1, std::memory_order_relaxed);
  }
  void End() const { active_.fetch_sub(1, std::memory_order_relaxed); }
  void CountAnswer(bool success) const {
    (success ? succeeded_ : failed_).fetch_add(1, std::memory_order_relaxed);
  }

  // Since the last Take, but for `active`.
  struct Taken {
    uint64_t issued = 0;
    uint64_t succeeded = 0;
    uint64_t failed = 0;
    uint64_t active = 0;
  };
  // Thread: main.
  Taken Take() const {
    return {issued_.exchange(0, std::memory_order_relaxed),
            succeeded_.exchange(0, std::memory_order_relaxed),
            failed_.exchange(0, std::memory_order_relaxed),
            active_.load(std::memory_order_relaxed)};
  }

 private:
  // Shared through pointers to const, as circuit breakers are.
  mutable std::atomic<uint64_t> issued_{0};
  mutable std::atomic<uint64_t> succeeded_{0};
  mutable std::atomic<uint64_t> failed_{0};
  mutable std::atomic<uint64_t> active_{0};
};

// Of one cluster.
class ClusterLoad {
 public:
  explicit ClusterLoad(std::shared_ptr<const LoadMetrics> metrics = nullptr)
      : metrics_(std::move(metrics)) {}

  // A request was refused before any host was asked: a circuit breaker was open.
  void CountDrop() const { dropped_.fetch_add(1, std::memory_order_relaxed); }
  // Since the last time. Thread: main.
  uint64_t TakeDrops() const { return dropped_.exchange(0, std::memory_order_relaxed); }

  // The same of requests that drop_overloads refused.
  void CountOverloadDrop() const { overload_dropped_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t TakeOverloadDrops() const {
    return overload_dropped_.exchange(0, std::memory_order_relaxed);
  }

  // What hosts tell of themselves; null: that is not reported.
  const LoadMetrics* metrics() const { return metrics_.get(); }

 private:
  const std::shared_ptr<const LoadMetrics> metrics_;
  mutable std::atomic<uint64_t> dropped_{0};
  mutable std::atomic<uint64_t> overload_dropped_{0};
};

}  // namespace proxenos::upstream
