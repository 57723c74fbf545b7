// The three balancers: shares by weight, spread over idle and busy hosts, cheap change of hosts.
#include "source/upstream/load_balancer.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using testing::At;
using testing::Of;

std::shared_ptr<const HostSet> Weighted(const std::vector<uint32_t>& weights) {
  std::vector<Endpoint> endpoints;
  for (size_t i = 0; i < weights.size(); ++i) {
    endpoints.push_back(At("10.0.0." + std::to_string(i + 1), weights[i]));
  }
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  return BuildHostSet(config, Of(std::move(endpoints)), nullptr).hosts;
}

std::vector<int> Count(LoadBalancer& balancer, const HostSet& hosts, int picks, uint64_t seed) {
  base::Random random(seed);
  balancer.Update(hosts, random);
  std::vector<int> count(hosts.size());
  for (int i = 0; i < picks; ++i) ++count[balancer.Pick(random).host];
  return count;
}

uint32_t Idle(HostIndex) { return 0; }

TEST(RoundRobinTest, EqualHostsTakeExactTurns) {
  const auto hosts = Weighted({1, 1, 1, 1});
  RoundRobin balancer;
  EXPECT_EQ(Count(balancer, *hosts, 4000, 1), (std::vector<int>{1000, 1000, 1000, 1000}));
}

TEST(RoundRobinTest, WeightsGiveExactShares) {
  const auto hosts = Weighted({5, 1, 4});
  RoundRobin balancer;
  EXPECT_EQ(Count(balancer, *hosts, 1000, 1), (std::vector<int>{500, 100, 400}));
}

TEST(RoundRobinTest, WorkersStartAtDifferentHosts) {
  const auto hosts = Weighted(std::vector<uint32_t>(16, 1));
  std::vector<int> first(16);
  for (uint64_t seed = 0; seed < 400; ++seed) {
    base::Random random(seed);
    RoundRobin balancer;
    balancer.Update(*hosts, random);
    ++first[balancer.Pick(random).host];
  }
  for (int count : first) EXPECT_GT(count, 5);
}

TEST(RoundRobinTest, ANewSnapshotTakesOverAtOnce) {
  base::Random random(7);
  const auto many = Weighted({1, 2, 3, 4, 5});
  const auto one = Weighted({9});
  RoundRobin balancer;
  balancer.Update(*many, random);
  for (int i = 0; i < 11; ++i) balancer.Pick(random);
  balancer.Update(*one, random);
  EXPECT_EQ(balancer.Pick(random).host, 0u);
  EXPECT_EQ(balancer.Pick(random).host, 0u);
}

// Property: whatever the weights, each host's share is its weight's, within what chance explains.
TEST(WeightsTest, SharesFollowWeights) {
  base::Random random(11);
  for (int round = 0; round < 30; ++round) {
    std::vector<uint32_t> weights(2 + random.Below(10));
    double sum = 0;
    for (uint32_t& weight : weights) {
      weight = 1 + static_cast<uint32_t>(random.Below(100));
      sum += weight;
    }
    const auto hosts = Weighted(weights);
    constexpr int kPicks = 50000;
    RoundRobin round_robin;
    LeastRequest least_request({2}, Idle);
    RandomChoice any;
    const auto turns = Count(round_robin, *hosts, kPicks, round);
    const auto least = Count(least_request, *hosts, kPicks, round);
    const auto uniform = Count(any, *hosts, kPicks, round);
    for (size_t i = 0; i < weights.size(); ++i) {
      const double due = kPicks * weights[i] / sum;
      const double even = static_cast<double>(kPicks) / static_cast<double>(weights.size());
      EXPECT_NEAR(turns[i], due, 5) << "round " << round;
      EXPECT_NEAR(least[i], due, 6 * std::sqrt(due)) << "round " << round;
      EXPECT_NEAR(uniform[i], even, 6 * std::sqrt(even)) << "round " << round;
    }
  }
}

TEST(LeastRequestTest, PrefersTheIdleHost) {
  const auto hosts = Weighted({1, 1});
  LeastRequest balancer({2}, [](HostIndex host) -> uint32_t { return host == 0 ? 5 : 0; });
  const auto count = Count(balancer, *hosts, 10000, 3);
  // The busy one only when both draws hit it.
  EXPECT_NEAR(count[0], 2500, 250);
}

TEST(LeastRequestTest, MoreChoicesFindTheIdleHostMoreOften) {
  const auto hosts = Weighted(std::vector<uint32_t>(10, 1));
  const auto idle_share = [&](uint32_t choices) {
    LeastRequest balancer({choices}, [](HostIndex host) -> uint32_t { return host == 0 ? 0 : 9; });
    return Count(balancer, *hosts, 20000, 4)[0];
  };
  EXPECT_NEAR(idle_share(2), 20000 * 0.19, 400);  // 1 - 0.9^2
  EXPECT_NEAR(idle_share(5), 20000 * (1 - std::pow(0.9, 5)), 500);
}

// Requests that stay: the numbers under way settle in proportion to the weights.
TEST(LeastRequestTest, LoadSettlesInProportionToWeights) {
  const auto hosts = Weighted({1, 3});
  std::vector<uint32_t> active(2);
  LeastRequest balancer({2}, [&active](HostIndex host) { return active[host]; });
  base::Random random(5);
  balancer.Update(*hosts, random);
  for (int i = 0; i < 4000; ++i) ++active[balancer.Pick(random).host];
  EXPECT_NEAR(active[0], 1000, 30);
}

// FULL_SCAN: not one pick goes to a host that has more, and those that have the same take turns.
TEST(LeastRequestTest, AllHostsAreCompared) {
  const auto hosts = Weighted(std::vector<uint32_t>(50, 1));
  LeastRequest balancer({0}, [](HostIndex host) -> uint32_t { return host % 10 == 7 ? 1 : 2; });
  const std::vector<int> count = Count(balancer, *hosts, 5000, 5);
  for (HostIndex i = 0; i < 50; ++i) {
    EXPECT_NEAR(count[i], i % 10 == 7 ? 1000 : 0, i % 10 == 7 ? 150 : 0) << i;
  }
}

TEST(LeastRequestTest, AmongAllIdleHostsWeightsDecide) {
  const auto hosts = Weighted({1, 2, 3, 4});
  LeastRequest balancer({0}, Idle);
  const std::vector<int> count = Count(balancer, *hosts, 10'000, 6);
  for (HostIndex i = 0; i < 4; ++i) EXPECT_NEAR(count[i], 1000 * (static_cast<int>(i) + 1), 200);
}

// What is under way counts the more, the larger the bias is; where weights are equal, none does.
TEST(LeastRequestTest, BiasSaysHowMuchActiveRequestsCount) {
  const auto busy = [](HostIndex host) -> uint32_t { return host == 0 ? 6 : 3; };
  const auto shares = [&busy](const std::vector<uint32_t>& weights, float bias) {
    const auto hosts = Weighted(weights);
    LeastRequest balancer({0, bias}, busy);
    return Count(balancer, *hosts, 4000, 7)[0];
  };
  EXPECT_NEAR(shares({3, 1}, 0), 3000, 150);  // By weight alone.
  EXPECT_EQ(shares({3, 1}, 1), 4000);         // 6 / 3 < 3 / 1
  EXPECT_EQ(shares({3, 1}, 2), 0);            // 36 / 3 > 9 / 1
  EXPECT_EQ(shares({1, 1}, 0), 0);
  EXPECT_EQ(shares({1, 1}, 2), 0);
}

TEST(LeastRequestTest, OneHostNeedsNoComparison) {
  const auto hosts = Weighted({1});
  int asked = 0;
  LeastRequest balancer({2}, [&asked](HostIndex) -> uint32_t { return ++asked, 0; });
  EXPECT_EQ(Count(balancer, *hosts, 10, 3)[0], 10);
  EXPECT_EQ(asked, 0);
}

TEST(LoadBalancerTest, WithoutHostsThereIsNoChoice) {
  base::Random random(1);
  RoundRobin balancer;
  EXPECT_FALSE(balancer.Pick(random));  // Never updated.
  const HostSet empty;
  balancer.Update(empty, random);
  EXPECT_FALSE(balancer.Pick(random));
}

TEST(LoadBalancerTest, MadeByPolicy) {
  const auto hosts = Weighted({1, 1, 1});
  for (LbPolicy policy : {LbPolicy::kRoundRobin, LbPolicy::kLeastRequest, LbPolicy::kRandom}) {
    ClusterConfig config;
    config.lb_policy = policy;
    const auto balancer = MakeLoadBalancer(config, Idle);
    const auto count = Count(*balancer, *hosts, 3000, 8);
    for (int each : count) EXPECT_NEAR(each, 1000, 150);
  }
}

TEST(LoadBalancerTest, RandomKeepsToTheWeightsOfLocalities) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  config.lb_policy = LbPolicy::kRandom;
  config.locality_weighted = true;
  Assignment assignment = Of({At("10.0.0.1"), At("10.0.0.2")});
  assignment.localities[0].weight = 1;
  assignment.localities.push_back(testing::InLocality("b", {At("10.0.0.3")}));
  assignment.localities[1].weight = 3;
  const auto hosts = BuildHostSet(config, assignment, nullptr).hosts;
  const auto balancer = MakeLoadBalancer(config, Idle);
  const auto count = Count(*balancer, *hosts, 8000, 9);
  EXPECT_NEAR(count[0], 1000, 200);
  EXPECT_NEAR(count[1], 1000, 200);
  EXPECT_NEAR(count[2], 6000, 270);
}

}  // namespace
}  // namespace proxenos::upstream
