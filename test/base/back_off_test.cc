// Doubling up to a limit, whatever the numbers are.
#include "source/base/back_off.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

constexpr Nanos kEver = std::numeric_limits<Nanos>::max();

TEST(BackOffTest, DoublesUpToTheLimit) {
  EXPECT_EQ(Doubled(kSecond, 0, 10 * kSecond), kSecond);
  EXPECT_EQ(Doubled(kSecond, 3, 10 * kSecond), 8 * kSecond);
  EXPECT_EQ(Doubled(kSecond, 4, 10 * kSecond), 10 * kSecond);
  EXPECT_EQ(Doubled(kSecond, 0, kMillisecond), kMillisecond);
}

TEST(BackOffTest, NeverOverflows) {
  const Nanos year = 365 * 86'400 * kSecond;
  EXPECT_EQ(Doubled(year, 20, 10 * year), 10 * year);
  EXPECT_EQ(Doubled(1, UINT32_MAX, kEver), Nanos{1} << 62);
  EXPECT_EQ(Doubled(kEver, UINT32_MAX, kEver), kEver);
  EXPECT_EQ(Doubled(0, 70, kSecond), 0);
}

}  // namespace
}  // namespace proxenos::base
