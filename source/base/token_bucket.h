// TokenBucket: tokens that come with time, taken by all workers with one atomic.
//
// The one word says since when tokens have come that nobody took, as an instant; a bucket is full
// when that is long ago. Thread: any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::base {

// envoy.type.v3.TokenBucket: tokens come one by one, as many in each interval as it is filled with.
struct BucketSize {
  uint64_t max_tokens = 0;
  Nanos per_token = 1;  // Never less than 1.

  static BucketSize Make(uint64_t max_tokens, uint64_t tokens_per_fill, Nanos interval) {
    const auto per_token = static_cast<Nanos>(static_cast<uint64_t>(interval) /
                                              std::max<uint64_t>(tokens_per_fill, 1));
    return BucketSize{max_tokens, std::max<Nanos>(per_token, 1)};
  }
};

class TokenBucket {
 public:
  explicit TokenBucket(const BucketSize& size) : size_(size) {}

  // Takes `count` tokens if they are all there.
  bool Take(uint64_t count, MonoTime now) {
    int64_t since = since_.load(std::memory_order_relaxed);
    while (true) {
      const int64_t from = std::max(since, now - Full());
      const auto needed =
          static_cast<unsigned __int128>(count) * static_cast<unsigned __int128>(size_.per_token);
      if (needed > static_cast<unsigned __int128>(std::max<int64_t>(now - from, 0))) return false;
      if (since_.compare_exchange_weak(since, from + static_cast<int64_t>(needed),
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  const BucketSize& size() const { return size_; }
  uint64_t Remaining(MonoTime now) const {
    const int64_t since = std::max(since_.load(std::memory_order_relaxed), now - Full());
    return now <= since ? 0 : static_cast<uint64_t>((now - since) / size_.per_token);
  }
  // Whole seconds until there is a token; 0 when there is one.
  uint64_t ResetSeconds(MonoTime now) const {
    if (Remaining(now) > 0) return 0;
    const int64_t next = since_.load(std::memory_order_relaxed) + size_.per_token;
    return static_cast<uint64_t>((std::max<int64_t>(next - now, 0) + kSecond - 1) / kSecond);
  }

 private:
  static constexpr int64_t kLongAgo = INT64_MIN / 2;

  // How long it takes to fill up, as far as that can be told.
  int64_t Full() const {
    const auto full = static_cast<unsigned __int128>(size_.max_tokens) *
                      static_cast<unsigned __int128>(size_.per_token);
    return static_cast<int64_t>(
        std::min<unsigned __int128>(full, static_cast<unsigned __int128>(INT64_MAX / 4)));
  }

  const BucketSize size_;
  std::atomic<int64_t> since_{kLongAgo};
};

}  // namespace proxenos::base
