// The pool with an engine that the test holds: what comes back, what is refused, what is dropped,
// and ends at every moment.
#include "source/waf/inspection_pool.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "test/waf/scripted_rules.h"

namespace proxenos::waf {
namespace {

class InspectionPoolTest : public ::testing::Test {
 protected:
  ~InspectionPoolTest() override {
    rules_->gate.Open();
    home_->Close();
  }
  std::unique_ptr<Job> MakeJob(const std::string& uri, bool last = true) {
    auto job = std::make_unique<Job>();
    job->rules = rules_;
    job->home = home_;
    job->request.emplace();
    job->request->uri = uri;
    job->last = last;
    return job;
  }
  std::unique_ptr<Ticket> MakeTicket() {
    return std::make_unique<Ticket>(
        [this](std::unique_ptr<Job> job) { done_.push_back(std::move(job)); });
  }
  bool Submit(const InspectionPool& pool, const std::string& uri, Ticket& ticket) {
    std::unique_ptr<Job> job = MakeJob(uri);
    return pool.Submit(job, ticket);
  }
  bool Until(absl::FunctionRef<bool()> holds) {
    for (int turns = 0; turns < 10'000 && !holds(); ++turns) loop_.RunOnce(base::kMillisecond);
    return holds();
  }

  base::RealClock clock_;
  event::EventLoop loop_{clock_};
  std::shared_ptr<const ScriptedRules> rules_ = std::make_shared<const ScriptedRules>();
  std::shared_ptr<const Home> home_ = std::make_shared<const Home>(loop_);
  std::vector<std::unique_ptr<Job>> done_;
};

TEST_F(InspectionPoolTest, JobsComeBackOnTheLoop) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto ticket = MakeTicket();
  ASSERT_TRUE(Submit(pool, "abc", *ticket));
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  EXPECT_EQ(done_[0]->finding.inbound_score, 3);
  // It was the last of its transaction, which is over.
  EXPECT_EQ(done_[0]->inspection, nullptr);
  EXPECT_EQ(rules_->finished, 1);
  EXPECT_EQ(rules_->alive, 0);
}

TEST_F(InspectionPoolTest, TransactionsGoOn) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto ticket = MakeTicket();
  std::unique_ptr<Job> job = MakeJob("abc", false);
  ASSERT_TRUE(pool.Submit(job, *ticket));
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  ASSERT_NE(done_[0]->inspection, nullptr);
  EXPECT_EQ(rules_->finished, 0);
  pool.Discard(std::move(done_[0]->inspection));
  EXPECT_TRUE(Until([this] { return rules_->alive == 0; }));
  EXPECT_EQ(rules_->finished, 0);
}

TEST_F(InspectionPoolTest, FailureEndsTheTransaction) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto ticket = MakeTicket();
  std::unique_ptr<Job> job = MakeJob("/fail", false);
  ASSERT_TRUE(pool.Submit(job, *ticket));
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  EXPECT_TRUE(done_[0]->finding.failed);
  EXPECT_EQ(done_[0]->inspection, nullptr);
}

TEST_F(InspectionPoolTest, QueueHasAnEnd) {
  const InspectionPool pool({1, 2, 1 << 20});
  auto held = MakeTicket(), one = MakeTicket(), two = MakeTicket(), three = MakeTicket();
  ASSERT_TRUE(Submit(pool, "/wait", *held));
  ASSERT_TRUE(rules_->begun.Wait());  // It waits for no thread any more.
  EXPECT_TRUE(Submit(pool, "1", *one));
  EXPECT_TRUE(Submit(pool, "2", *two));
  std::unique_ptr<Job> job = MakeJob("3");
  EXPECT_FALSE(pool.Submit(job, *three));
  ASSERT_NE(job, nullptr);
  rules_->gate.Open();
  ASSERT_TRUE(Until([this] { return done_.size() == 3; }));
  EXPECT_TRUE(pool.Submit(job, *three));
  EXPECT_TRUE(Until([this] { return done_.size() == 4; }));
}

TEST_F(InspectionPoolTest, QueueHasAWeight) {
  const InspectionPool pool({1, 100, 4096});
  auto held = MakeTicket(), large = MakeTicket(), small = MakeTicket();
  ASSERT_TRUE(Submit(pool, "/wait", *held));
  ASSERT_TRUE(rules_->begun.Wait());
  EXPECT_FALSE(Submit(pool, std::string(5000, 'x'), *large));
  EXPECT_TRUE(Submit(pool, "1", *small));
  rules_->gate.Open();
  EXPECT_TRUE(Until([this] { return done_.size() == 2; }));
}

TEST_F(InspectionPoolTest, WhoeverGoesIsNotWaitedFor) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto held = MakeTicket(), gone = MakeTicket(), stays = MakeTicket();
  ASSERT_TRUE(Submit(pool, "/wait", *held));
  ASSERT_TRUE(rules_->begun.Wait());
  ASSERT_TRUE(Submit(pool, "gone", *gone));
  ASSERT_TRUE(Submit(pool, "stays", *stays));
  gone.reset();  // Still in the queue.
  held.reset();  // In a thread's hands.
  rules_->gate.Open();
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  EXPECT_EQ(done_[0]->request->uri, "stays");
  EXPECT_EQ(rules_->inspected, 2);  // Nobody asked any more about the one that was gone.
  EXPECT_EQ(rules_->alive, 0);
}

TEST_F(InspectionPoolTest, TicketMayGoWhileItsJobIsOnTheWayBack) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto ticket = MakeTicket(), other = MakeTicket();
  ASSERT_TRUE(Submit(pool, "a", *ticket));
  while (rules_->finished == 0) std::this_thread::yield();
  ticket.reset();
  ASSERT_TRUE(Submit(pool, "b", *other));
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  EXPECT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0]->request->uri, "b");
}

TEST_F(InspectionPoolTest, LoopMayCloseFirst) {
  const InspectionPool pool({1, 10, 1 << 20});
  auto ticket = MakeTicket();
  ASSERT_TRUE(Submit(pool, "/wait", *ticket));
  ASSERT_TRUE(rules_->begun.Wait());
  ticket.reset();
  home_->Close();
  rules_->gate.Open();
  while (rules_->alive != 0) std::this_thread::yield();
  EXPECT_TRUE(done_.empty());
}

TEST_F(InspectionPoolTest, PoolsEndWithWhatWaits) {
  auto held = MakeTicket(), waits = MakeTicket();
  {
    const InspectionPool pool({1, 10, 1 << 20});
    ASSERT_TRUE(Submit(pool, "/wait", *held));
    ASSERT_TRUE(rules_->begun.Wait());
    ASSERT_TRUE(Submit(pool, "waits", *waits));
    held.reset();
    waits.reset();
    rules_->gate.Open();
  }
  EXPECT_EQ(rules_->alive, 0);
}

TEST_F(InspectionPoolTest, ThreadsWorkSideBySide) {
  const InspectionPool pool({2, 10, 1 << 20});
  auto held = MakeTicket(), quick = MakeTicket();
  ASSERT_TRUE(Submit(pool, "/wait", *held));
  ASSERT_TRUE(rules_->begun.Wait());
  ASSERT_TRUE(Submit(pool, "quick", *quick));
  ASSERT_TRUE(Until([this] { return !done_.empty(); }));
  EXPECT_EQ(done_[0]->request->uri, "quick");
  rules_->gate.Open();
}

TEST(SharedPoolTest, OneForEqualLimits) {
  const auto one = InspectionPool::Shared({3, 4, 5});
  EXPECT_EQ(one, InspectionPool::Shared({3, 4, 5}));
  EXPECT_NE(one, InspectionPool::Shared({3, 4, 6}));
}

}  // namespace
}  // namespace proxenos::waf
