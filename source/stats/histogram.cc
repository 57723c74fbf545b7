// Histogram: bucket arithmetic, recording, and what a reader makes of it. See histogram.h.
#include "source/stats/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "source/base/check.h"

namespace proxenos::stats {
namespace {

constexpr std::array<uint64_t, Buckets::kDecades + 2> MakePowersOfTen() {
  std::array<uint64_t, Buckets::kDecades + 2> powers{};
  uint64_t power = 1;
  for (uint64_t& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}

constexpr auto kPowerOfTen = MakePowersOfTen();
static_assert(kPowerOfTen.back() == Buckets::kMax);

// Decade d holds (10^(d+1), 10^(d+2)] in steps of 10^d. REQUIRES: 10 < value <= kMax.
size_t DecadeOf(uint64_t value) {
  // 1233/4096 is just under log10(2): a guess that is right or one too low.
  const size_t guess = (static_cast<size_t>(std::bit_width(value - 1)) * 1233) >> 12;
  const size_t decade = guess < 2 ? 0 : guess - 2;
  return decade + (value > kPowerOfTen[decade + 2] ? 1 : 0);
}

size_t OffsetIn(size_t decade, uint64_t value) {
  return static_cast<size_t>((value - kPowerOfTen[decade + 1] - 1) / kPowerOfTen[decade]);
}

}  // namespace

size_t Buckets::Index(uint64_t value) {
  if (value < kUnits) return static_cast<size_t>(value);
  value = std::min(value, kMax);
  const size_t decade = DecadeOf(value);
  return kUnits + decade * kPerDecade + OffsetIn(decade, value);
}

uint64_t Buckets::Upper(size_t index) {
  if (index < kUnits) return index;
  const size_t decade = (index - kUnits) / kPerDecade;
  const size_t offset = (index - kUnits) % kPerDecade;
  return kPowerOfTen[decade + 1] + (offset + 1) * kPowerOfTen[decade];
}

uint64_t Buckets::Width(size_t index) {
  return index < kUnits ? 1 : kPowerOfTen[(index - kUnits) / kPerDecade];
}

Histogram::Cells::~Cells() {
  for (std::atomic<Counter*>& decade : decades) {
    std::unique_ptr<Counter[]> dead(decade.load(std::memory_order_relaxed));
  }
}

Histogram::~Histogram() { std::unique_ptr<Cells> cells(cells_.load(std::memory_order_relaxed)); }

void Histogram::Record(uint64_t value) {
  Cells* cells = cells_.load(std::memory_order_relaxed);
  if (cells == nullptr) cells = &MakeCells();
  cells->sum.Add(value);
  if (value < Buckets::kUnits) {
    cells->units[value].Inc();
    return;
  }
  value = std::min(value, Buckets::kMax);
  const size_t index = DecadeOf(value);
  Counter* decade = cells->decades[index].load(std::memory_order_relaxed);
  if (decade == nullptr) decade = MakeDecade(cells->decades[index]);
  decade[OffsetIn(index, value)].Inc();
}

// Release: who sees the pointer sees the zeros behind it.
Histogram::Cells& Histogram::MakeCells() {
  Cells* cells = std::make_unique<Cells>().release();
  cells_.store(cells, std::memory_order_release);
  return *cells;
}

Counter* Histogram::MakeDecade(std::atomic<Counter*>& place) {
  Counter* decade = std::make_unique<Counter[]>(Buckets::kPerDecade).release();
  place.store(decade, std::memory_order_release);
  return decade;
}

void HistogramData::Add(const Histogram& histogram) {
  const Histogram::Cells* cells = histogram.cells_.load(std::memory_order_acquire);
  if (cells == nullptr) return;
  sum_ += cells->sum.value();
  HistogramData read;
  const auto take = [&read](size_t index, uint64_t count) {
    if (count == 0) return;
    read.buckets_.push_back({static_cast<uint32_t>(index), count});
    read.count_ += count;
  };
  for (size_t i = 0; i < Buckets::kUnits; ++i) take(i, cells->units[i].value());
  for (size_t d = 0; d < Buckets::kDecades; ++d) {
    const Counter* decade = cells->decades[d].load(std::memory_order_acquire);
    if (decade == nullptr) continue;
    for (size_t i = 0; i < Buckets::kPerDecade; ++i) {
      take(Buckets::kUnits + d * Buckets::kPerDecade + i, decade[i].value());
    }
  }
  Add(read);
}

void HistogramData::Add(const HistogramData& other) {
  std::vector<Bucket> merged;
  merged.reserve(buckets_.size() + other.buckets_.size());
  auto mine = buckets_.begin();
  auto theirs = other.buckets_.begin();
  while (mine != buckets_.end() || theirs != other.buckets_.end()) {
    if (theirs == other.buckets_.end() || (mine != buckets_.end() && mine->index < theirs->index)) {
      merged.push_back(*mine++);
    } else if (mine == buckets_.end() || theirs->index < mine->index) {
      merged.push_back(*theirs++);
    } else {
      merged.push_back({mine->index, mine->count + theirs->count});
      ++mine;
      ++theirs;
    }
  }
  buckets_ = std::move(merged);
  count_ += other.count_;
  sum_ += other.sum_;
}

void HistogramData::Subtract(const HistogramData& earlier) {
  auto theirs = earlier.buckets_.begin();
  for (Bucket& bucket : buckets_) {
    if (theirs == earlier.buckets_.end()) break;
    if (theirs->index != bucket.index) continue;
    DCHECK(bucket.count >= theirs->count);
    bucket.count -= theirs->count;
    ++theirs;
  }
  DCHECK(theirs == earlier.buckets_.end());
  buckets_.erase(std::remove_if(buckets_.begin(), buckets_.end(),
                                [](const Bucket& bucket) { return bucket.count == 0; }),
                 buckets_.end());
  count_ -= earlier.count_;
  sum_ -= earlier.sum_;
}

uint64_t HistogramData::CountAtMost(double bound) const {
  uint64_t count = 0;
  for (const Bucket& bucket : buckets_) {
    if (static_cast<double>(Buckets::Upper(bucket.index)) > bound) break;
    count += bucket.count;
  }
  return count;
}

double HistogramData::Quantile(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  // A q such as 0.999 is a hair off as a double: without the slack, 0.999 of 1000 would be rank
  // 1000.
  const double exact_rank = q * static_cast<double>(count_) * (1 - 1e-12);
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::ceil(exact_rank)), 1, count_);
  uint64_t before = 0;
  for (const Bucket& bucket : buckets_) {
    if (before + bucket.count < rank) {
      before += bucket.count;
      continue;
    }
    const uint64_t width = Buckets::Width(bucket.index);
    const auto upper = static_cast<double>(Buckets::Upper(bucket.index));
    if (width == 1) return upper;
    // The n values of a bucket are taken to lie evenly in it, each in the middle of its share.
    const double share =
        (static_cast<double>(rank - before) - 0.5) / static_cast<double>(bucket.count);
    return upper - static_cast<double>(width) * (1 - share);
  }
  return static_cast<double>(Buckets::kMax);
}

}  // namespace proxenos::stats
