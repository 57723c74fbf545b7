// Samples: latencies of one window, to be summed up by a percentile.
//
// Buckets whose width is a sixteenth of their value: a percentile is off by at most 6 %. Owner: the
// Gradient. Thread: whoever holds its lock.
#pragma once

#include <array>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::filters::adaptive_concurrency {

class Samples {
 public:
  void Record(base::Nanos latency);
  uint64_t count() const { return count_; }
  // `share` from 0 to 1. REQUIRES: count() > 0.
  base::Nanos Percentile(double share) const;
  void Clear();

 private:
  static constexpr int kFineBits = 4;
  static constexpr int kBuckets = (64 - kFineBits + 1) << kFineBits;

  static int BucketOf(uint64_t microseconds);
  // The middle of a bucket.
  static double ValueOf(int bucket);

  std::array<uint32_t, kBuckets> buckets_ = {};
  uint64_t count_ = 0;
};

}  // namespace proxenos::filters::adaptive_concurrency
