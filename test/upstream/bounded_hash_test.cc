// Bounded loads: hashes keep their hosts as long as these have room, no host gets more than the
// bound, whatever is asked, and what spills over goes the same way each time.
#include "source/upstream/bounded_hash.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

ClusterConfig Config(LbPolicy policy, uint32_t factor) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  config.lb_policy = policy;
  HashOptions& hashing = config.hashing.Mutable();
  hashing.ring = policy == LbPolicy::kRingHash;
  hashing.balance_factor = factor;
  return config;
}

// A balancer over hosts of these weights, and the requests that they have.
class Bounded {
 public:
  Bounded(LbPolicy policy, uint32_t factor, const std::vector<uint32_t>& weights)
      : factor_(factor), weights_(weights), active(weights.size()) {
    std::vector<Endpoint> endpoints;
    for (size_t i = 0; i < weights.size(); ++i) {
      endpoints.push_back(testing::At(absl::StrCat("10.0.0.", i + 1), weights[i]));
    }
    const ClusterConfig config = Config(policy, factor);
    hosts_ = BuildHostSet(config, testing::Of(std::move(endpoints)), nullptr).hosts;
    balancer_ = MakeLoadBalancer(
        config, [this](HostIndex host) { return host == kNoHost ? Total() : active[host]; });
    balancer_->Update(*hosts_, random_);
  }

  HostIndex Pick(uint64_t hash) {
    PickRequest request;
    request.hash = hash;
    return balancer_->Pick(request, random_).host;
  }
  HostIndex OfTable(uint64_t hash) const { return hosts_->groups()[0].table->Pick(hash, 0); }
  uint32_t Total() const { return std::accumulate(active.begin(), active.end(), 0u); }
  // What the host may have before it is full.
  double Room(HostIndex host) const {
    const double sum = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    const uint64_t all = ((uint64_t{Total()} + 1) * factor_ + 99) / 100;
    return std::max(1.0, std::ceil(static_cast<double>(all) * weights_[host] / sum));
  }

 private:
  const uint32_t factor_;
  const std::vector<uint32_t> weights_;
  base::Random random_{1};
  std::shared_ptr<const HostSet> hosts_;
  std::unique_ptr<LoadBalancer> balancer_;

 public:
  std::vector<uint32_t> active;
};

class BoundedHashTest : public ::testing::TestWithParam<LbPolicy> {};

TEST_P(BoundedHashTest, IdleHostsAreThoseOfTheTable) {
  Bounded bounded(GetParam(), 150, std::vector<uint32_t>(20, 1));
  base::Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t hash = random.Next();
    EXPECT_EQ(bounded.Pick(hash), bounded.OfTable(hash));
  }
}

TEST_P(BoundedHashTest, OneHashForAllSpreadsAsFarAsTheBoundSays) {
  Bounded bounded(GetParam(), 120, std::vector<uint32_t>(10, 1));
  for (int i = 0; i < 1000; ++i) ++bounded.active[bounded.Pick(42)];
  // 1.2 times the average of 100, and what rounding and the one on its way make of it.
  for (const uint32_t each : bounded.active) EXPECT_LE(each, 122u);
}

// Property: in any load, with any weights, only a host with room is chosen where one has room.
TEST_P(BoundedHashTest, NobodyIsOverloadedWhileOthersHaveRoom) {
  base::Random random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<uint32_t> weights(2 + random.Below(15));
    for (uint32_t& weight : weights) weight = static_cast<uint32_t>(1 + random.Below(9));
    Bounded bounded(GetParam(), static_cast<uint32_t>(100 + random.Below(100)), weights);
    for (int i = 0; i < 500; ++i) {
      const uint64_t hash = random.Below(5);  // Few: hot.
      const HostIndex host = bounded.Pick(hash);
      EXPECT_EQ(bounded.Pick(hash), host);  // The same load, the same way.
      EXPECT_LE(bounded.active[host], bounded.Room(host));
      const HostIndex first = bounded.OfTable(hash);
      if (bounded.active[first] <= bounded.Room(first)) {
        EXPECT_EQ(host, first);
      }
      ++bounded.active[host];
      const size_t ends = random.Below(weights.size());
      if (random.Below(3) == 0 && bounded.active[ends] > 0) --bounded.active[ends];
    }
  }
}

TEST_P(BoundedHashTest, WhereAllAreFullTheLeastFullIsChosen) {
  Bounded bounded(GetParam(), 100, {1, 1, 1});
  bounded.active = {90, 60, 80};
  // Others of the cluster (another priority's) do not count: the sum is of these, each has room for
  // 77.
  EXPECT_EQ(bounded.Pick(7), 1u);
}

INSTANTIATE_TEST_SUITE_P(Tables, BoundedHashTest,
                         ::testing::Values(LbPolicy::kRingHash, LbPolicy::kMaglev));

}  // namespace
}  // namespace proxenos::upstream
