// Tokens: how many at once, and how they come back.
#include "source/base/token_bucket.h"

#include "gtest/gtest.h"

namespace proxenos::base {
namespace {

int TakeAll(TokenBucket& bucket, MonoTime now) {
  int taken = 0;
  while (taken < 1000 && bucket.Take(1, now)) ++taken;
  return taken;
}

TEST(TokenBucketTest, IsFullAtFirst) {
  TokenBucket bucket(BucketSize::Make(5, 1, kSecond));
  EXPECT_EQ(TakeAll(bucket, 0), 5);
  EXPECT_EQ(TakeAll(bucket, 0), 0);
}

TEST(TokenBucketTest, TokensComeBackEvenly) {
  TokenBucket bucket(BucketSize::Make(4, 2, kSecond));
  EXPECT_EQ(TakeAll(bucket, 100 * kSecond), 4);
  EXPECT_EQ(TakeAll(bucket, 100 * kSecond + kSecond / 2 - 1), 0);
  EXPECT_EQ(TakeAll(bucket, 100 * kSecond + kSecond / 2), 1);
  EXPECT_EQ(TakeAll(bucket, 101 * kSecond), 1);
  EXPECT_EQ(TakeAll(bucket, 102 * kSecond), 2);
}

TEST(TokenBucketTest, NeverHoldsMoreThanItMay) {
  TokenBucket bucket(BucketSize::Make(3, 1, kSecond));
  EXPECT_EQ(TakeAll(bucket, 0), 3);
  EXPECT_EQ(TakeAll(bucket, 1000 * kSecond), 3);
}

TEST(TokenBucketTest, LargeNumbers) {
  TokenBucket much(BucketSize::Make(UINT64_MAX, UINT64_MAX, 3600 * kSecond));
  EXPECT_EQ(TakeAll(much, 5), 1000);
  TokenBucket slow(BucketSize::Make(1, 1, int64_t{365} * 24 * 3600 * kSecond));
  EXPECT_EQ(TakeAll(slow, 0), 1);
  EXPECT_EQ(TakeAll(slow, int64_t{364} * 24 * 3600 * kSecond), 0);
  EXPECT_EQ(TakeAll(slow, int64_t{365} * 24 * 3600 * kSecond), 1);
}

}  // namespace
}  // namespace proxenos::base
