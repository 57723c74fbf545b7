// LineRing: a bounded queue of bytes from one worker to the log writer's thread, whole lines at a
// time, without locks: the worker never waits. A line that finds no room is dropped and counted.
//
// Owner: a FileSink. Thread: one producer and one consumer at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::access_log {

class LineRing {
 public:
  // REQUIRES: `capacity` is a power of two.
  explicit LineRing(size_t capacity)
      : mask_(capacity - 1), bytes_(std::make_unique<char[]>(capacity)) {}
  LineRing(const LineRing&) = delete;
  LineRing& operator=(const LineRing&) = delete;

  // Producer. Appends the line, or drops it when it does not fit now. Returns the bytes that wait.
  size_t Append(absl::string_view line) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    const uint64_t waiting = tail - head_.load(std::memory_order_acquire);
    if (line.size() > capacity() - waiting) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return waiting;
    }
    const size_t at = tail & mask_;
    const size_t first = std::min(line.size(), capacity() - at);
    std::memcpy(bytes_.get() + at, line.data(), first);
    std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
    tail_.store(tail + line.size(), std::memory_order_release);
    return waiting + line.size();
  }

  // Consumer. Moves all that waits to the end of `out`.
  void Drain(std::string& out) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    const size_t waiting = tail_.load(std::memory_order_acquire) - head;
    const size_t at = head & mask_;
    const size_t first = std::min(waiting, capacity() - at);
    out.append(bytes_.get() + at, first);
    out.append(bytes_.get(), waiting - first);
    head_.store(head + waiting, std::memory_order_release);
  }

  size_t capacity() const { return mask_ + 1; }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const size_t mask_;
  const std::unique_ptr<char[]> bytes_;
  // On cache lines of their own: the producer writes one, the consumer the other.
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace proxenos::access_log
