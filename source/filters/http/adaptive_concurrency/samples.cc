// Powers of two, each in sixteen parts.
#include "source/filters/http/adaptive_concurrency/samples.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace proxenos::filters::adaptive_concurrency {
namespace {

constexpr double kLongest = 9e18;  // Nanoseconds that an integer of 64 bits holds.

}  // namespace

int Samples::BucketOf(uint64_t microseconds) {
  constexpr uint64_t kFine = uint64_t{1} << kFineBits;
  if (microseconds < kFine) return static_cast<int>(microseconds);
  const int shift = std::bit_width(microseconds) - kFineBits - 1;
  return ((shift + 1) << kFineBits) + static_cast<int>((microseconds >> shift) & (kFine - 1));
}

double Samples::ValueOf(int bucket) {
  constexpr int kFine = 1 << kFineBits;
  if (bucket < kFine) return bucket;
  const int shift = (bucket >> kFineBits) - 1;
  return std::ldexp((bucket & (kFine - 1)) + kFine + 0.5, shift);
}

void Samples::Record(base::Nanos latency) {
  const auto microseconds =
      static_cast<uint64_t>(std::max<base::Nanos>(latency / base::kMicrosecond, 0));
  ++buckets_[static_cast<size_t>(BucketOf(microseconds))];
  ++count_;
}

base::Nanos Samples::Percentile(double share) const {
  const auto wanted =
      static_cast<uint64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += buckets_[static_cast<size_t>(i)];
    if (seen > 0 && seen >= wanted) {
      return static_cast<base::Nanos>(std::min(ValueOf(i) * base::kMicrosecond, kLongest));
    }
  }
  return 0;
}

void Samples::Clear() {
  buckets_.fill(0);
  count_ = 0;
}

}  // namespace proxenos::filters::adaptive_concurrency
