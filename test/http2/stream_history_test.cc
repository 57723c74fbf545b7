// What is remembered of a client's streams.
#include "source/http2/stream_history.h"

#include <gtest/gtest.h>

namespace proxenos::http2 {
namespace {

using Past = StreamHistory::Past;

TEST(StreamHistoryTest, NewerStreamsHaveNoPast) {
  StreamHistory history;
  EXPECT_EQ(history.Of(1), Past::kNone);
  history.Open(1);
  EXPECT_EQ(history.Of(1), Past::kEnded);
  EXPECT_EQ(history.Of(3), Past::kNone);
}

TEST(StreamHistoryTest, GapsAreSkippedForever) {
  StreamHistory history;
  history.Open(5);
  history.Open(7);
  history.Open(13);
  for (const int32_t id : {1, 3, 9, 11}) EXPECT_EQ(history.Of(id), Past::kSkipped) << id;
  for (const int32_t id : {5, 7, 13}) EXPECT_EQ(history.Of(id), Past::kEnded) << id;
  EXPECT_EQ(history.Of(15), Past::kNone);
}

TEST(StreamHistoryTest, WhatWeGaveUpMayLingerEvenIfItWasNeverOpened) {
  StreamHistory history;
  history.Open(1);
  history.GiveUp(1);
  history.GiveUp(3);
  history.Open(5);
  EXPECT_EQ(history.Of(1), Past::kGivenUp);
  EXPECT_EQ(history.Of(3), Past::kGivenUp);
  EXPECT_EQ(history.Of(5), Past::kEnded);
}

TEST(StreamHistoryTest, OnlyTheNewestAreRemembered) {
  StreamHistory history;
  for (int32_t id = 1; id < 4000; id += 4) {
    history.Open(id);
    history.GiveUp(id);
  }
  EXPECT_EQ(history.Of(3491), Past::kEnded);
  EXPECT_EQ(history.Of(3997), Past::kGivenUp);
  EXPECT_EQ(history.Of(3995), Past::kSkipped);
}

// As many as the bound may be on their way at once, and as many more.
TEST(StreamHistoryTest, WhatIsForgottenIsNotHeldAgainstTheClient) {
  StreamHistory history;
  for (int32_t id = 1; id < 1000; id += 4) {
    history.Open(id);
    history.GiveUp(id);
    history.GiveUp(id + 2);  // Refused, so that it lies in a gap once there is another.
  }
  for (int32_t id = 1; id < 1000; id += 2) EXPECT_EQ(history.Of(id), Past::kGivenUp) << id;
  history.Open(1001);
  EXPECT_EQ(history.Of(1001), Past::kEnded);
  EXPECT_EQ(history.Of(1003), Past::kNone);
}

}  // namespace
}  // namespace proxenos::http2
