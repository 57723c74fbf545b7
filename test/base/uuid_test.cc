// UUIDs: each digit in its place, and the bits that are fixed.
#include "source/base/uuid.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

std::string Text(uint64_t high, uint64_t low) {
  const uint64_t random[2] = {high, low};
  std::string text(kUuidSize, ' ');
  FormatUuid(random, text.data());
  return text;
}

TEST(UuidTest, EveryDigitStandsInItsPlace) {
  EXPECT_EQ(Text(0x0123456789ab0cde, 0x0f01234567899abc), "01234567-89ab-4cde-8f01-234567899abc");
  EXPECT_EQ(Text(0xfedcba9876543210, 0xbfffffffffffffff), "fedcba98-7654-4210-bfff-ffffffffffff");
}

TEST(UuidTest, VersionAndVariantAreFixed) {
  EXPECT_EQ(Text(0, 0), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(Text(~uint64_t{0}, ~uint64_t{0}), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

}  // namespace
}  // namespace proxenos::base
