// Zone-aware routing: which share of the requests stays in the zone, and what stands in the way.
#include "source/upstream/zone_routing.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_balancer.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using testing::At;

struct Place {
  std::string zone;
  int healthy;
  int failed = 0;
  uint32_t weight = 1;
};

std::shared_ptr<const HostSet> Hosts(const std::vector<Place>& places, bool by_zone) {
  Assignment assignment;
  int next = 0;
  for (const Place& place : places) {
    LocalityEndpoints& locality = assignment.localities.emplace_back();
    locality.locality.zone = place.zone;
    for (int i = 0; i < place.healthy + place.failed; ++i) {
      Endpoint endpoint = At("10.0.0." + std::to_string(++next), place.weight);
      if (i >= place.healthy) endpoint.health = EndpointHealth::kUnhealthy;
      locality.endpoints.push_back(std::move(endpoint));
    }
  }
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  if (by_zone) {
    config.zone_awareness.emplace();
    config.local_zones = std::make_shared<const LocalZones>(Locality{}, "local");
  }
  return BuildHostSet(config, assignment, nullptr).hosts;
}

class ZoneRoutingTest : public ::testing::Test {
 protected:
  static constexpr int kPicks = 10'000;

  ZoneRoutingTest() { options_.min_cluster_size = 1; }

  // How many of kPicks requests each zone gets; "" counts those that no host gets.
  std::map<std::string, int> Spread(const std::vector<Place>& upstream,
                                    const std::vector<Place>& local) {
    zones_->Set(*Hosts(local, false));
    hosts_ = Hosts(upstream, true);
    auto stats = registry_.Open<stats::ClusterZoneStats>(stats::ClusterScope("c"));
    counters_ = &*stats;
    balancer_.SetZones(std::make_unique<ZoneRouting>(options_, zones_, std::move(stats)));
    balancer_.Update(*hosts_, random_);
    return Count();
  }

  std::map<std::string, int> Count() {
    std::map<std::string, int> counts;
    for (int i = 0; i < kPicks; ++i) {
      const Choice choice = balancer_.Pick(random_);
      ++counts[choice ? hosts_->locality(choice.host).zone : ""];
    }
    return counts;
  }

  ZoneAwareness options_;
  stats::Registry registry_;
  base::Random random_{7};
  std::shared_ptr<LocalZones> zones_ =
      std::make_shared<LocalZones>(Locality{"", "here", ""}, "local");
  std::shared_ptr<const HostSet> hosts_;
  RoundRobin balancer_;
  stats::ClusterZoneStats* counters_ = nullptr;
};

TEST_F(ZoneRoutingTest, EqualSharesKeepEverythingHere) {
  auto spread = Spread({{"here", 2}, {"there", 2}}, {{"here", 3}, {"there", 3}});
  EXPECT_EQ(spread["here"], kPicks);
  EXPECT_EQ(counters_->lb_zone_routing_all_directly.value(), uint64_t{kPicks});
}

TEST_F(ZoneRoutingTest, WhatIsTooMuchGoesWhereThereIsRoom) {
  // Half of the proxies and a quarter of the hosts are here: half of the requests stay.
  auto spread = Spread({{"here", 1}, {"there", 2}, {"far", 1}}, {{"here", 2}, {"far", 2}});
  EXPECT_NEAR(spread["here"], kPicks / 2, 300);
  EXPECT_NEAR(spread["there"], kPicks / 2, 300);
  EXPECT_EQ(spread["far"], 0);  // It has more proxies than hosts itself.
}

TEST_F(ZoneRoutingTest, HostsOfAZoneTakeTurns) {
  Spread({{"here", 2}, {"there", 2}}, {{"here", 1}, {"there", 1}});
  std::map<HostIndex, int> counts;
  for (int i = 0; i < 100; ++i) ++counts[balancer_.Pick(random_).host];
  EXPECT_EQ(counts[0], 50);
  EXPECT_EQ(counts[1], 50);
}

TEST_F(ZoneRoutingTest, SmallClustersPlayNoPart) {
  options_.min_cluster_size = 5;
  auto spread = Spread({{"here", 2}, {"there", 2}}, {{"here", 1}, {"there", 1}});
  EXPECT_EQ(spread["there"], kPicks / 2);
  EXPECT_EQ(counters_->lb_zone_cluster_too_small.value(), 1u);
}

TEST_F(ZoneRoutingTest, WithoutHealthyHostsHereZonesPlayNoPart) {
  auto spread = Spread({{"here", 0, 1}, {"there", 3}}, {{"here", 1}, {"there", 1}});
  EXPECT_EQ(spread["there"], kPicks);
  spread = Spread({{"there", 2}, {"far", 2}}, {{"here", 1}});
  EXPECT_EQ(spread["there"], kPicks / 2);
}

TEST_F(ZoneRoutingTest, ALocalClusterInPanicSaysNothing) {
  auto spread = Spread({{"here", 2}, {"there", 2}}, {{"here", 1, 3}});
  EXPECT_EQ(spread["there"], kPicks / 2);
  EXPECT_EQ(counters_->lb_local_cluster_not_ok.value(), uint64_t{kPicks});
  options_.fail_traffic_on_panic = true;
  EXPECT_EQ(Spread({{"here", 2}, {"there", 2}}, {{"here", 1, 3}})[""], kPicks);
}

TEST_F(ZoneRoutingTest, AClusterInPanicMayBeSpared) {
  EXPECT_EQ(Spread({{"here", 1, 3}, {"there", 0, 4}}, {{"here", 1}})[""], 0);
  options_.fail_traffic_on_panic = true;
  EXPECT_EQ(Spread({{"here", 1, 3}, {"there", 0, 4}}, {{"here", 1}})[""], kPicks);
}

TEST_F(ZoneRoutingTest, AllMayBeForcedToStay) {
  options_.force_local_from = 2;
  EXPECT_EQ(Spread({{"here", 2}, {"there", 8}}, {{"here", 1}})["here"], kPicks);
  EXPECT_LT(Spread({{"here", 1}, {"there", 8}}, {{"here", 1}})["here"], kPicks / 2);
}

TEST_F(ZoneRoutingTest, SomeMayBeSparedTheRouting) {
  options_.enabled_of_10000 = 0;
  EXPECT_EQ(Spread({{"here", 1}, {"there", 1}}, {{"here", 1}, {"there", 1}})["here"], kPicks / 2);
}

TEST_F(ZoneRoutingTest, WeightsMayCountInPlaceOfHosts) {
  options_.by_weight = true;
  // By number here has a half, by weight a tenth.
  auto spread = Spread({{"here", 1, 0, 1}, {"there", 1, 0, 9}}, {{"here", 1}, {"there", 1}});
  EXPECT_NEAR(spread["here"], kPicks / 5, 300);
}

TEST_F(ZoneRoutingTest, TheSameZoneInTwoListsIsOne) {
  EXPECT_EQ(Spread({{"here", 1}, {"there", 2}, {"here", 1}}, {{"here", 1}, {"there", 1}})["here"],
            kPicks);
}

TEST_F(ZoneRoutingTest, ChangesOfTheLocalClusterAreSeenAtOnce) {
  EXPECT_EQ(Spread({{"here", 1}, {"there", 1}}, {{"here", 1}, {"there", 1}})["here"], kPicks);
  zones_->Set(*Hosts({{"here", 2}}, false));
  EXPECT_NEAR(Count()["here"], kPicks / 2, 300);
}

TEST_F(ZoneRoutingTest, WithoutLocalZonesGroupsHaveNone) {
  const auto hosts = Hosts({{"here", 1}, {"there", 1}}, false);
  EXPECT_TRUE(hosts->groups()[0].zones.empty());
}

}  // namespace
}  // namespace proxenos::upstream
