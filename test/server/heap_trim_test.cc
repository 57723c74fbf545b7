// When memory is given back.
#include "source/server/heap_trim.h"

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

class HeapTrimTest : public ::testing::Test {
 protected:
  void After(base::Nanos time) { timers_.Advance(timers_.now() + time); }

  event::TimerWheel timers_{0};
  int trims_ = 0;
  HeapTrim trim_{timers_, [this] { ++trims_; }};
};

TEST_F(HeapTrimTest, SmallUpdatesCostNothing) {
  trim_.Note(10);
  After(10 * base::kSecond);
  EXPECT_EQ(trims_, 0);
}

TEST_F(HeapTrimTest, OnceAfterALargeUpdateIsOver) {
  for (int turn = 0; turn < 100; ++turn) {
    trim_.Note(100);
    After(500 * base::kMillisecond);
  }
  EXPECT_EQ(trims_, 0) << "it was never quiet";
  After(2 * base::kSecond);
  EXPECT_EQ(trims_, 1);
  After(100 * base::kSecond);
  EXPECT_EQ(trims_, 1);
}

TEST_F(HeapTrimTest, ManySmallUpdatesAreALargeOne) {
  for (int i = 0; i < 1000; ++i) {
    trim_.Note(1);
    After(2 * base::kSecond);
  }
  EXPECT_EQ(trims_, 1);
}

}  // namespace
}  // namespace proxenos::server
