// Histogram: bucket bounds, and every answer held against a sorted vector of what was recorded.
#include "source/stats/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::stats {
namespace {

// Envoy's default bounds, which Prometheus shows.
constexpr double kDefaultBounds[] = {0.5,   1,      5,      10,      25,     50,    100,
                                     250,   500,    1000,   2500,    5000,   10000, 30000,
                                     60000, 300000, 600000, 1800000, 3600000};

HistogramData Read(const Histogram& histogram) {
  HistogramData data;
  data.Add(histogram);
  return data;
}

TEST(BucketsTest, TileTheNumbersWithoutGapOrOverlap) {
  uint64_t last = 0;
  EXPECT_EQ(Buckets::Upper(0), 0u);
  for (size_t i = 1; i < Buckets::kCount; ++i) {
    EXPECT_EQ(Buckets::Upper(i) - Buckets::Width(i), last) << i;
    last = Buckets::Upper(i);
    EXPECT_EQ(Buckets::Index(last), i);
    EXPECT_EQ(Buckets::Index(last - Buckets::Width(i) + 1), i);
    // A tenth of its smallest value at most: the middle is off by 5 %.
    if (i > 10) {
      EXPECT_LE(Buckets::Width(i) * 10, last - Buckets::Width(i) + 1);
    }
  }
  EXPECT_EQ(last, Buckets::kMax);
  EXPECT_EQ(Buckets::Index(UINT64_MAX), Buckets::kCount - 1);
}

TEST(BucketsTest, EachDefaultBoundEndsABucket) {
  for (const double bound : kDefaultBounds) {
    if (bound < 1) continue;
    const auto value = static_cast<uint64_t>(bound);
    EXPECT_EQ(Buckets::Upper(Buckets::Index(value)), value);
  }
}

TEST(HistogramTest, EmptyHasNoQuantile) {
  const HistogramData data = Read(Histogram());
  EXPECT_TRUE(data.empty());
  EXPECT_TRUE(std::isnan(data.Quantile(0.5)));
  EXPECT_EQ(data.CountAtMost(1e9), 0u);
}

TEST(HistogramTest, ZeroIsAValue) {
  Histogram histogram;
  histogram.Record(0);
  const HistogramData data = Read(histogram);
  EXPECT_EQ(data.count(), 1u);
  EXPECT_EQ(data.Quantile(1), 0);
  EXPECT_EQ(data.CountAtMost(0.5), 1u);
}

TEST(HistogramTest, LargerThanTheLastBucketCountsInIt) {
  Histogram histogram;
  histogram.Record(Buckets::kMax * 3);
  const HistogramData data = Read(histogram);
  EXPECT_EQ(data.count(), 1u);
  EXPECT_EQ(data.sum(), Buckets::kMax * 3);
  EXPECT_EQ(data.CountAtMost(3600000), 0u);
}

// Small numbers, and bounds with their neighbours, come up often in every magnitude.
std::vector<uint64_t> RandomValues(std::mt19937_64& random, size_t count) {
  std::vector<uint64_t> values;
  while (values.size() < count) {
    const double bound = kDefaultBounds[random() % std::size(kDefaultBounds)];
    switch (random() % 3) {
      case 0:
        values.push_back(static_cast<uint64_t>(bound) + random() % 3);
        break;
      case 1:
        values.push_back(random() % 120);
        break;
      default:
        values.push_back(random() >> (24 + random() % 40));
    }
  }
  return values;
}

uint64_t AtMost(const std::vector<uint64_t>& sorted, double bound) {
  return static_cast<uint64_t>(std::count_if(sorted.begin(), sorted.end(), [bound](uint64_t value) {
    return static_cast<double>(value) <= bound;
  }));
}

TEST(HistogramTest, AgreesWithASortedVector) {
  std::mt19937_64 random(20240611);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    std::vector<uint64_t> values = RandomValues(random, 1 + random() % 400);
    Histogram histogram;
    uint64_t sum = 0;
    for (const uint64_t value : values) {
      histogram.Record(value);
      sum += value;
    }
    std::sort(values.begin(), values.end());
    const HistogramData data = Read(histogram);
    ASSERT_EQ(data.count(), values.size());
    ASSERT_EQ(data.sum(), sum);
    for (const double bound : kDefaultBounds) {
      ASSERT_EQ(data.CountAtMost(bound), AtMost(values, bound)) << bound;
    }
    for (const double q : {0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0}) {
      const auto rank =
          static_cast<size_t>(std::ceil(q * static_cast<double>(values.size()) - 1e-9));
      const uint64_t truth = values[rank == 0 ? 0 : rank - 1];
      if (truth > Buckets::kMax) continue;
      const double tolerance = truth <= 100 ? 0 : 0.1 * static_cast<double>(truth);
      ASSERT_NEAR(data.Quantile(q), static_cast<double>(truth), tolerance) << q;
    }
  }
}

TEST(HistogramDataTest, MergingEqualsRecordingTogether) {
  std::mt19937_64 random(7);
  Histogram first;
  Histogram second;
  Histogram both;
  for (const uint64_t value : RandomValues(random, 500)) {
    (value % 2 == 0 ? first : second).Record(value);
    both.Record(value);
  }
  HistogramData merged = Read(first);
  merged.Add(Read(second));
  const HistogramData whole = Read(both);
  ASSERT_EQ(merged.buckets().size(), whole.buckets().size());
  for (size_t i = 0; i < whole.buckets().size(); ++i) {
    EXPECT_EQ(merged.buckets()[i].index, whole.buckets()[i].index);
    EXPECT_EQ(merged.buckets()[i].count, whole.buckets()[i].count);
  }
  EXPECT_EQ(merged.sum(), whole.sum());

  // And taking one out again leaves the other.
  merged.Subtract(Read(first));
  EXPECT_EQ(merged.count(), Read(second).count());
  EXPECT_EQ(merged.sum(), Read(second).sum());
  EXPECT_EQ(merged.Quantile(0.5), Read(second).Quantile(0.5));
}

}  // namespace
}  // namespace proxenos::stats
