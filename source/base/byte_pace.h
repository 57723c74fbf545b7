// BytePace: how many bytes of what waits may go on now, at a rate that all who ask share.
//
// The one word is the instant by which all that was let through is through at that rate. What was
// not used of the last second may go at once. Thread: any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::base {

class BytePace {
 public:
  // REQUIRES: 0 < bytes_per_second <= 2^52, interval > 0.
  explicit BytePace(uint64_t bytes_per_second, Nanos interval = 50 * kMillisecond)
      : bytes_per_second_(bytes_per_second), interval_(interval) {}

  struct Grant {
    uint64_t bytes = 0;  // All that was wanted, or less, but never nothing.
    // Before the rest is asked for; where all was granted and this is not 0: before it goes.
    Nanos wait = 0;
  };
  // Who comes first is given what comes in an interval. REQUIRES: wanted > 0.
  Grant Take(uint64_t wanted, MonoTime now) {
    MonoTime before = through_.load(std::memory_order_relaxed);
    while (true) {
      const MonoTime from = before == kUnused ? now - interval_ : std::max(before, now - kSecond);
      const uint64_t there = from < now ? BytesIn(now - from) : 0;
      // One byte more than there is at most: each asker's next turn comes when that is paid.
      const uint64_t bytes = std::clamp<uint64_t>(there, 1, wanted);
      const MonoTime after = from + TimeFor(bytes);
      if (!through_.compare_exchange_weak(before, after, std::memory_order_relaxed)) continue;
      if (bytes < wanted) return {bytes, std::max(interval_, after - now)};
      return {bytes, there >= wanted ? 0 : std::max<Nanos>(after - now, 1)};
    }
  }

 private:
  static constexpr MonoTime kUnused = INT64_MIN;

  uint64_t BytesIn(Nanos time) const {
    const auto product = static_cast<unsigned __int128>(time) * bytes_per_second_;
    return static_cast<uint64_t>(product / static_cast<uint64_t>(kSecond));
  }
  // Rounded up, so that nobody gains by asking often.
  Nanos TimeFor(uint64_t bytes) const {
    const auto product = static_cast<unsigned __int128>(bytes) * static_cast<uint64_t>(kSecond);
    return static_cast<Nanos>((product + bytes_per_second_ - 1) / bytes_per_second_);
  }

  const uint64_t bytes_per_second_;
  const Nanos interval_;
  std::atomic<MonoTime> through_{kUnused};
};

}  // namespace proxenos::base
