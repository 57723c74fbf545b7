// Who waits for what on a worker.
#include "source/server/worker_demands.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

using Outcome = filter::OnDemand::Outcome;

class Stream final : public filter::OnDemand::Waiter {
 public:
  void OnDiscovered(Outcome outcome) override { outcomes.push_back(outcome); }
  std::vector<Outcome> outcomes;
};

class WorkerDemandsTest : public ::testing::Test {
 protected:
  WorkerDemandsTest() {
    demands_.SetSend([this](const Demand& demand) { sent_.push_back(demand); });
  }

  std::vector<Demand> sent_;
  WorkerDemands demands_;
};

TEST_F(WorkerDemandsTest, ManyWaitForOneAnswer) {
  Stream a, b, c;
  EXPECT_TRUE(demands_.AskHost("rc", "One.Test", a));
  EXPECT_TRUE(demands_.AskHost("rc", "one.test", b));
  EXPECT_TRUE(demands_.AskCluster("rc", "one.test", c));
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].name, "one.test");
  demands_.OnAnswer({sent_[0], Outcome::kFound});
  EXPECT_EQ(a.outcomes, std::vector<Outcome>{Outcome::kFound});
  EXPECT_EQ(b.outcomes, a.outcomes);
  EXPECT_TRUE(c.waits());
  demands_.OnAnswer({sent_[0], Outcome::kMissing});  // Another worker's.
  demands_.OnAnswer({sent_[1], Outcome::kMissing});
  EXPECT_EQ(c.outcomes, std::vector<Outcome>{Outcome::kMissing});
  EXPECT_TRUE(demands_.AskHost("rc", "one.test", a)) << "anew";
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_F(WorkerDemandsTest, WhoEndsOrCancelsHearsNothing) {
  Stream cancelled;
  auto ended = std::make_unique<Stream>();
  EXPECT_TRUE(demands_.AskHost("rc", "a", cancelled));
  EXPECT_TRUE(demands_.AskHost("rc", "a", *ended));
  cancelled.Cancel();
  ended.reset();
  demands_.OnAnswer({sent_[0], Outcome::kFound});
  EXPECT_TRUE(cancelled.outcomes.empty());
}

TEST_F(WorkerDemandsTest, ThereIsALimit) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (uint32_t i = 0; i < kMaxWaitingStreams; ++i) {
    streams.push_back(std::make_unique<Stream>());
    ASSERT_TRUE(demands_.AskHost("rc", absl::StrCat("h", i), *streams.back()));
  }
  Stream more;
  EXPECT_FALSE(demands_.AskHost("rc", "h0", more));
  streams.erase(streams.begin(), streams.begin() + 2);
  EXPECT_TRUE(demands_.AskHost("rc", "h0", more)) << "nobody new is asked for";
  Stream other;
  EXPECT_FALSE(demands_.AskHost("rc", "other", other)) << "too many are unanswered";
  demands_.OnAnswer({sent_[1], Outcome::kMissing});
  EXPECT_TRUE(demands_.AskHost("rc", "other", other));
}

TEST(WorkerWithoutMainTest, CannotAsk) {
  WorkerDemands demands;
  Stream stream;
  EXPECT_FALSE(demands.AskCluster("", "c", stream));
}

}  // namespace
}  // namespace proxenos::server
