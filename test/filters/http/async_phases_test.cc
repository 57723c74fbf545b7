// What holds for every filter that holds a message back, in each phase of the message: the answer
// comes late, comes again, comes when nobody waits for it any more, or never; the stream ends in
// each step of the wait; and nothing is left then.
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/filters/http/waiting.h"

namespace proxenos::filters {
namespace {

std::vector<WaitCase> AllCases() {
  std::vector<WaitCase> all;
  for (auto* some : {ServiceCases, DiscoveryCases, CacheCases, LocalCases}) {
    for (WaitCase& one : some()) all.push_back(std::move(one));
  }
  return all;
}

class AsyncPhasesTest : public ::testing::TestWithParam<WaitCase> {
 protected:
  static std::unique_ptr<Waiting> Begun() {
    auto made = GetParam().make();
    made->Begin();
    EXPECT_EQ(made->Outcome(), "waits");
    return made;
  }
  static std::unique_ptr<Waiting> AskedFor() {
    auto made = Begun();
    EXPECT_TRUE(made->stream().Until([&made] { return made->Asked(); }));
    return made;
  }
  static void TurnSome(Waiting& waiting) {
    for (int i = 0; i < 5; ++i) waiting.stream().TurnIn(base::kMillisecond);
  }
  static void Finish(Waiting& waiting) {
    waiting.stream().EndStream();
    waiting.Answer();
    TurnSome(waiting);
    waiting.ExpectNothingLeft();
  }
};

TEST_P(AsyncPhasesTest, LateAnswersAreAnswers) {
  const auto waiting = AskedFor();
  if (GetParam().patience > 0) waiting->stream().Advance(GetParam().patience - base::kMillisecond);
  if (GetParam().holds_still) {
    TurnSome(*waiting);
    EXPECT_EQ(waiting->Outcome(), "waits");
  }
  waiting->Answer();
  EXPECT_EQ(waiting->Decided(), GetParam().answered);
  EXPECT_FALSE(waiting->stream().spun());
  waiting->Answer();  // And again.
  TurnSome(*waiting);
  EXPECT_EQ(waiting->Outcome(), GetParam().answered);
  Finish(*waiting);
}

TEST_P(AsyncPhasesTest, SilenceEndsInTime) {
  if (GetParam().patience == 0) return;
  const auto waiting = AskedFor();
  waiting->stream().Advance(GetParam().patience + base::kMillisecond);
  EXPECT_EQ(waiting->Decided(), GetParam().silent);
  waiting->Answer();  // Too late.
  TurnSome(*waiting);
  EXPECT_EQ(waiting->Outcome(), GetParam().silent);
  Finish(*waiting);
}

TEST_P(AsyncPhasesTest, StreamsEndAtEachStep) {
  enum class End { kDestroyed, kAnswered, kAborted };
  enum Step { kBegun, kAsked, kAnswered, kTold, kDecided };
  for (const End end : {End::kDestroyed, End::kAnswered, End::kAborted}) {
    for (int step = kBegun; step <= kDecided; ++step) {
      const auto waiting = step == kBegun ? Begun() : AskedFor();
      if (step >= kAnswered) waiting->Answer();
      if (step == kTold) waiting->stream().TurnIn(base::kMillisecond);
      if (step == kDecided) waiting->Decided();
      if (end == End::kAnswered) waiting->stream().Reply(503, "", "test", 0);
      if (end == End::kAborted) waiting->stream().Abort("test", 0);
      if (end != End::kDestroyed) {
        for (int turns = 0; turns < 20; ++turns) {
          waiting->Answer();
          waiting->stream().TurnIn(base::kMillisecond);
        }
        EXPECT_EQ(waiting->Outcome(), end == End::kAborted ? "aborted" : "503 ") << step;
      }
      Finish(*waiting);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Filters, AsyncPhasesTest, ::testing::ValuesIn(AllCases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace proxenos::filters
