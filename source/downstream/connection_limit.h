// ConnectionLimit: how many downstream connections the whole process, or one listener, may have.
// Shared by all workers; one of the circuit-breaker counts of docs/ARCHITECTURE.md.
#pragma once

#include <atomic>
#include <cstdint>

namespace proxenos::downstream {

// Thread: any.
class ConnectionLimit {
 public:
  // overload_manager's downstream_connections monitor, else what the runtime says; the default is
  // no limit but descriptors.
  explicit ConnectionLimit(uint64_t most) : most_(most) {}

  bool TryAcquire() { return TryAcquire(most_.load(std::memory_order_relaxed)); }
  // The same with a bound that the caller has just looked up.
  bool TryAcquire(uint64_t most) {
    if (count_.fetch_add(1, std::memory_order_relaxed) < most) return true;
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // Connections beyond it that are there already stay.
  void SetMost(uint64_t most) { most_.store(most, std::memory_order_relaxed); }
  void Release() { count_.fetch_sub(1, std::memory_order_relaxed); }
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> most_;
  std::atomic<uint64_t> count_{0};
};

}  // namespace proxenos::downstream
