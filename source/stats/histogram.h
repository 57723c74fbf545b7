// Histogram: the distribution of whole numbers (milliseconds, bytes), recorded in a few
// nanoseconds.
//
// A bucket is a range (lower, upper] of integers. 0 to 10 have a bucket each; each decade above,
// (10, 100], (100, 1000] and so on up to 10^12, has ninety of equal width, so a bucket is at most a
// tenth of its value wide and its middle is off by at most 5 %. Each bound of two decimal digits
// (25, 250, 1800000...) is the upper end of a bucket: counts up to such a bound are exact, and all
// of Prometheus's default bounds are of that kind.
//
// Invariant: written by one thread, read by any. Memory comes with the first value of a decade.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "source/stats/counter.h"

namespace proxenos::stats {

// How buckets are numbered; shared by the writer and by what readers merge.
struct Buckets {
  static constexpr size_t kUnits = 11;    // the values 0..10
  static constexpr size_t kDecades = 11;  // (10, 100] .. (10^11, 10^12]
  static constexpr size_t kPerDecade = 90;
  static constexpr size_t kCount = kUnits + kDecades * kPerDecade;
  static constexpr uint64_t kMax = 1'000'000'000'000;  // what is larger counts as this

  static size_t Index(uint64_t value);
  // The largest value of a bucket, and the number of integers in it.
  static uint64_t Upper(size_t index);
  static uint64_t Width(size_t index);
};

// The writer's side.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  ~Histogram();

  void Record(uint64_t value);

 private:
  friend class HistogramData;
  struct Cells {
    ~Cells();
    Counter sum;
    Counter units[Buckets::kUnits];
    // Each an array of kPerDecade, or null.
    std::atomic<Counter*> decades[Buckets::kDecades] = {};
  };

  Cells& MakeCells();
  static Counter* MakeDecade(std::atomic<Counter*>& place);

  // Null until the first value. Owned; an atomic, as a reader may look while the writer makes it.
  std::atomic<Cells*> cells_{nullptr};
};

// The reader's side: a plain sum of histograms.
class HistogramData {
 public:
  struct Bucket {
    uint32_t index;
    uint64_t count;
  };

  void Add(const Histogram& histogram);
  void Add(const HistogramData& other);
  // REQUIRES: `earlier` is a former state of this.
  void Subtract(const HistogramData& earlier);

  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  // By rising index, none with a count of zero.
  const std::vector<Bucket>& buckets() const { return buckets_; }

  // How many values are <= bound. Exact where the bound has at most two significant digits.
  uint64_t CountAtMost(double bound) const;

  // The value at quantile q of 0..1, of rank ceil(q * count): exact up to 100, within a tenth
  // above. NaN where nothing was recorded.
  double Quantile(double q) const;

 private:
  std::vector<Bucket> buckets_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

}  // namespace proxenos::stats
