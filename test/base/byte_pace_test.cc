// Bytes at a rate, in counted time: bursts, many askers, rounding.
#include "source/base/byte_pace.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::base {
namespace {

TEST(BytePaceTest, BeginsWithAnIntervalAndSavesASecond) {
  BytePace pace(1000);
  MonoTime now = 100 * kSecond;
  BytePace::Grant grant = pace.Take(600, now);
  EXPECT_EQ(grant.bytes, 50u);
  EXPECT_EQ(grant.wait, 50 * kMillisecond);
  now += grant.wait;
  EXPECT_EQ(pace.Take(550, now).bytes, 50u);
  now += 3600 * kSecond;
  grant = pace.Take(1100, now);
  EXPECT_EQ(grant.bytes, 1000u) << "no more is saved";
  EXPECT_EQ(grant.wait, 50 * kMillisecond);
}

TEST(BytePaceTest, WhatIsThereGoesAtOnce) {
  BytePace pace(1000);
  const MonoTime now = 100 * kSecond;
  EXPECT_EQ(pace.Take(20, now).wait, 0);
  EXPECT_EQ(pace.Take(30, now).wait, 0);
  // Nothing is left: a byte of debt, which is waited for before it goes.
  const BytePace::Grant one = pace.Take(1, now);
  EXPECT_EQ(one.bytes, 1u);
  EXPECT_EQ(one.wait, kMillisecond);
}

// Whoever asks, in whatever pieces, whenever: of any span of time, no more than its bytes, the
// saved second's and a byte for each asker.
TEST(BytePaceTest, NeverFasterThanTheRate) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    const uint64_t rate = 1 + random.Below(round % 2 == 0 ? 2000 : uint64_t{1} << 40);
    BytePace pace(rate, (20 + static_cast<Nanos>(random.Below(980))) * kMillisecond);
    const size_t askers = 1 + random.Below(20);
    std::vector<MonoTime> next(askers, kSecond);
    std::vector<uint64_t> wanted(askers, 0);
    const MonoTime start = kSecond, end = start + 100 * kSecond;
    unsigned __int128 sent = 0;
    for (MonoTime now = start; now < end; now += 7 * kMillisecond) {
      for (size_t i = 0; i < askers; ++i) {
        if (now < next[i]) continue;
        if (wanted[i] == 0) wanted[i] = 1 + random.Below(65536);
        const BytePace::Grant grant = pace.Take(wanted[i], now);
        ASSERT_GT(grant.bytes, 0u);
        sent += grant.bytes;
        wanted[i] -= grant.bytes;
        next[i] = now + grant.wait;
      }
      const auto span = static_cast<unsigned __int128>(now - start + kSecond);
      ASSERT_LE(sent, span * rate / static_cast<uint64_t>(kSecond) + askers + 1) << rate;
    }
    // And not much slower, where more is wanted than may go.
    if (rate < 2000) {
      EXPECT_GE(sent, static_cast<unsigned __int128>(rate) * 98) << rate << " " << askers;
    }
  }
}

}  // namespace
}  // namespace proxenos::base
