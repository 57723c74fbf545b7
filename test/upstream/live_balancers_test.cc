// Shares of hosts that change with time: by what they report, and while they start.
#include "source/upstream/live_balancers.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/support/sim_clock.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using base::kMillisecond;
using base::kSecond;
using testing::At;
using testing::InLocality;

class LiveBalancersTest : public ::testing::Test {
 protected:
  LiveBalancersTest() : loop_(clock_) { config_.discovery = DiscoveryKind::kEds; }

  void Advance(base::Nanos by) {
    clock_.Advance(by);
    loop_.RunOnce(0);
  }

  void SetWeights(const std::vector<uint32_t>& weights) {
    Assignment assignment;
    auto& endpoints = assignment.localities.emplace_back().endpoints;
    for (size_t i = 0; i < weights.size(); ++i) {
      endpoints.push_back(At("10.0.0." + std::to_string(i + 1), weights[i]));
    }
    Publish(assignment);
  }

  void Publish(const Assignment& assignment) {
    before_ = hosts_;  // A snapshot lives until the next Update.
    hosts_ = BuildHostSet(config_, assignment, hosts_).hosts;
    if (balancer_ != nullptr) balancer_->Update(*hosts_, random_);
  }

  // By reports, with `slow_start` besides if it is set.
  void Make(ActiveRequests active = [](HostIndex) -> uint32_t { return 0; }) {
    if (config_.orca != nullptr) sink_ = std::make_unique<OrcaSink>(*config_.orca, nullptr);
    balancer_ = MakeLiveBalancer(config_, active, {loop_, sink_.get()});
    ASSERT_NE(balancer_, nullptr);
    balancer_->Update(*hosts_, random_);
  }
  void ByReports() {
    OrcaRules rules;
    rules.weighting.emplace();
    config_.orca = std::make_shared<const OrcaRules>(std::move(rules));
  }
  void StartSlowly(base::Nanos window, double aggression = 1, double least = 0.1) {
    config_.slow_start = std::make_shared<const SlowStart>(SlowStart{window, aggression, least});
  }

  // The host says that its weight is that.
  void Say(HostIndex host, double weight) {
    OrcaReport report;
    report.rps_fractional = weight;
    report.cpu_utilization = 1;
    sink_->Take(hosts_->host(host).id(), report, loop_.now());
  }
  void Begin(HostIndex host) { hosts_->host(host).in_rotation_since() = loop_.now(); }

  std::vector<double> Shares(int picks = 20000) {
    std::vector<double> shares(hosts_->size());
    for (int i = 0; i < picks; ++i) {
      const Choice choice = balancer_->Pick(random_);
      if (choice) shares[choice.host] += 1.0 / picks;
    }
    return shares;
  }
  void ExpectShares(const std::vector<double>& weights, double within = 0.01) {
    double sum = 0;
    for (double weight : weights) sum += weight;
    const std::vector<double> shares = Shares();
    ASSERT_EQ(shares.size(), weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(shares[i], weights[i] / sum, within) << "host " << i;
    }
  }

  proxenos::testing::SimClock clock_;
  event::EventLoop loop_;
  base::Random random_{17};
  ClusterConfig config_;
  std::shared_ptr<const HostSet> hosts_, before_;
  std::unique_ptr<OrcaSink> sink_;
  std::unique_ptr<LoadBalancer> balancer_;
};

TEST_F(LiveBalancersTest, OthersAreNotLive) {
  ActiveRequests active = [](HostIndex) -> uint32_t { return 0; };
  EXPECT_EQ(MakeLiveBalancer(config_, active, {loop_}), nullptr);
  OrcaRules reported;
  reported.reported.push_back(*OrcaMetric::Named("eps"));
  config_.orca = std::make_shared<const OrcaRules>(std::move(reported));
  EXPECT_EQ(MakeLiveBalancer(config_, active, {loop_}), nullptr) << "reports decide on no share";
  StartSlowly(kSecond);
  config_.lb_policy = LbPolicy::kRandom;
  EXPECT_EQ(MakeLiveBalancer(config_, active, {loop_}), nullptr);
}

TEST_F(LiveBalancersTest, EqualUntilHostsReport) {
  ByReports();
  SetWeights({5, 1, 1});
  Make();
  ExpectShares({1, 1, 1}, 1e-4);  // What the endpoints' weights say plays no part.
  Say(0, 100);
  Say(1, 300);
  Advance(9 * kSecond);
  ExpectShares({1, 1, 1}, 1e-4);
  Advance(kSecond);
  ExpectShares({100, 300, 200});  // The third gets the median.
  Say(1, 100);
  ExpectShares({100, 300, 200});  // Until the next time that weights are worked out.
  Advance(kSecond);
  ExpectShares({1, 1, 1}, 1e-4);
  Advance(180 * kSecond);
  ExpectShares({1, 1, 1}, 1e-4);  // All of them expired.
}

TEST_F(LiveBalancersTest, WeightsSurviveANewSnapshot) {
  ByReports();
  SetWeights({1, 1});
  Make();
  Say(0, 10);
  Say(1, 30);
  Advance(10 * kSecond);
  SetWeights({1, 1, 1});
  ExpectShares({10, 30, 20});
}

TEST_F(LiveBalancersTest, LocalitiesKeepTheirShares) {
  ByReports();
  config_.locality_weighted = true;
  Assignment assignment;
  assignment.localities = {InLocality("a", {At("10.0.0.1"), At("10.0.0.2")}),
                           InLocality("b", {At("10.0.0.3"), At("10.0.0.4")})};
  assignment.localities[0].weight = 1;
  assignment.localities[1].weight = 3;
  Publish(assignment);
  Make();
  ExpectShares({1, 1, 3, 3});
  Say(0, 1000);
  Say(1, 3000);
  Say(2, 2);
  Say(3, 1);
  Advance(10 * kSecond);
  ExpectShares({3, 9, 24, 12});
}

TEST_F(LiveBalancersTest, EachPriorityHasItsOwnMedian) {
  ByReports();
  Assignment assignment;
  assignment.localities = {InLocality("a", {At("10.0.0.1"), At("10.0.0.2")}),
                           InLocality("b", {At("10.0.0.3"), At("10.0.0.4")})};
  assignment.localities[1].priority = 1;
  Publish(assignment);
  Make();
  Say(0, 10);
  Say(2, 1000);
  Advance(10 * kSecond);
  ExpectShares({1, 1, 0, 0});
}

// Property: whatever hosts report, each one's share follows.
TEST_F(LiveBalancersTest, SharesFollowReports) {
  ByReports();
  SetWeights(std::vector<uint32_t>(12, 1));
  Make();
  for (int round = 0; round < 20; ++round) {
    std::vector<double> weights;
    for (HostIndex i = 0; i < hosts_->size(); ++i) {
      weights.push_back(1 + static_cast<double>(random_.Below(1'000'000)) / 7);
      Say(i, weights.back());
    }
    Advance(10 * kSecond);
    ExpectShares(weights, 0.002);
  }
}

TEST_F(LiveBalancersTest, AHostThatStartsGetsMoreAndMore) {
  StartSlowly(100 * kSecond);
  SetWeights({1, 1});
  Make();
  ExpectShares({1, 1}, 1e-4);
  Begin(1);
  SetWeights({1, 1, 1});  // Something came with it.
  ExpectShares({1, 0.1, 1});
  Advance(5 * kSecond);
  ExpectShares({1, 0.1, 1});  // The least that one gets.
  Advance(45 * kSecond);
  ExpectShares({1, 0.5, 1});
  Advance(40 * kSecond);
  ExpectShares({1, 0.9, 1});
  Advance(10 * kSecond);
  ExpectShares({1, 1, 1}, 1e-4);
}

TEST_F(LiveBalancersTest, AggressionBendsTheWay) {
  StartSlowly(100 * kSecond, 2);
  SetWeights({4, 4});
  Make();
  Begin(0);
  Advance(25 * kSecond);
  SetWeights({4, 8});
  ExpectShares({2, 8});
}

TEST_F(LiveBalancersTest, AllThatStartTogetherAreEqual) {
  StartSlowly(100 * kSecond);
  SetWeights({1, 3});
  Begin(0);
  Begin(1);
  Make();
  ExpectShares({1, 3});
}

TEST_F(LiveBalancersTest, LeastRequestStartsSlowlyToo) {
  config_.lb_policy = LbPolicy::kLeastRequest;
  StartSlowly(100 * kSecond);
  SetWeights({1, 1, 1, 1});
  Make();
  Begin(3);
  SetWeights({1, 1, 1, 1});
  Advance(20 * kSecond);
  SetWeights({1, 1, 1, 2});
  // Idle hosts are chosen as often as they are drawn: the first draw wins a tie.
  ExpectShares({1, 1, 1, 0.4}, 0.015);
}

TEST_F(LiveBalancersTest, LeastRequestPrefersWhoHasLess) {
  config_.lb_policy = LbPolicy::kLeastRequest;
  config_.least_request.choices = 8;
  StartSlowly(100 * kSecond);
  SetWeights({1, 1});
  Begin(1);
  Make([](HostIndex host) -> uint32_t { return host == 0 ? 5 : 1; });
  // With 0.1 of its weight one request is as much as ten.
  const std::vector<double> shares = Shares();
  EXPECT_GT(shares[0], 0.9);
  Advance(90 * kSecond);
  EXPECT_GT(Shares()[1], 0.9);
}

TEST_F(LiveBalancersTest, ReportsAndSlowStartTogether) {
  ByReports();
  StartSlowly(100 * kSecond);
  SetWeights({1, 1});
  Begin(1);
  Make();
  Say(0, 100);
  Say(1, 300);
  Advance(50 * kSecond);
  ExpectShares({100, 150});
}

TEST_F(LiveBalancersTest, NobodyToPick) {
  ByReports();
  SetWeights({});
  Make();
  EXPECT_FALSE(balancer_->Pick(random_));
}

TEST(SlowStartTest, ShareAfter) {
  const SlowStart slow{60 * kSecond, 1, 0.1};
  EXPECT_DOUBLE_EQ(slow.ShareAfter(0), 0.1);
  EXPECT_DOUBLE_EQ(slow.ShareAfter(30 * kSecond), 0.5);
  EXPECT_DOUBLE_EQ(slow.ShareAfter(60 * kSecond), 1);
  const SlowStart bent{60 * kSecond, 0.5, 0};
  EXPECT_DOUBLE_EQ(bent.ShareAfter(30 * kSecond), 0.25);
  EXPECT_GT(bent.ShareAfter(0), 0) << "as after a millisecond";
  EXPECT_EQ((SlowStart{kMillisecond, 1, 0.1}).step(), 10 * kMillisecond);
  EXPECT_EQ((SlowStart{3600 * kSecond, 1, 0.1}).step(), kSecond);
}

}  // namespace
}  // namespace proxenos::upstream
