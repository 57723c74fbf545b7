// Host sets: identity over updates, membership counts, groups and weights.
#include "source/upstream/host_set.h"

#include <malloc.h>

#include <map>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_balancer.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using testing::At;
using testing::InLocality;
using testing::Of;

ClusterConfig EdsConfig() {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  return config;
}

std::map<std::string, int> Picked(const HostSet& hosts, int count) {
  base::Random random(5);
  RoundRobin balancer;
  balancer.Update(hosts, random);
  std::map<std::string, int> picked;
  for (int i = 0; i < count; ++i) {
    const Choice choice = balancer.Pick(random);
    ++picked[choice ? hosts.host(choice.host).address().ToString() : "none"];
  }
  return picked;
}

TEST(HostSetTest, HostsThatStayAreTheSameObjects) {
  const ClusterConfig config = EdsConfig();
  const auto first = BuildHostSet(config, Of({At("10.0.0.1"), At("10.0.0.2")}), nullptr);
  EXPECT_EQ(first.added, 2u);
  EXPECT_TRUE(first.rebuilt);

  const auto second = BuildHostSet(config, Of({At("10.0.0.3"), At("10.0.0.2", 9)}), first.hosts);
  EXPECT_EQ(second.added, 1u);
  EXPECT_EQ(second.removed, 1u);
  EXPECT_EQ(second.hosts->shared_host(1), first.hosts->shared_host(1));
  EXPECT_EQ(second.hosts->entry(1).weight, 9u);
  EXPECT_NE(second.hosts->host(0).id(), first.hosts->host(0).id());
}

TEST(HostSetTest, AnUnchangedAssignmentYieldsThePreviousSet) {
  const ClusterConfig config = EdsConfig();
  const auto first = BuildHostSet(config, Of({At("10.0.0.1"), At("10.0.0.2")}), nullptr);
  const auto again = BuildHostSet(config, Of({At("10.0.0.1"), At("10.0.0.2")}), first.hosts);
  EXPECT_EQ(again.hosts, first.hosts);
  EXPECT_FALSE(again.rebuilt);
  EXPECT_FALSE(again.membership_changed());

  const auto heavier = BuildHostSet(config, Of({At("10.0.0.1", 2), At("10.0.0.2")}), first.hosts);
  EXPECT_TRUE(heavier.rebuilt);
  EXPECT_FALSE(heavier.membership_changed());
}

TEST(HostSetTest, AnotherHostnameIsAnotherHost) {
  const ClusterConfig config = EdsConfig();
  Endpoint named = At("10.0.0.1");
  named.hostname = "a.example";
  const auto first = BuildHostSet(config, Of({named}), nullptr);
  named.hostname = "b.example";
  const auto second = BuildHostSet(config, Of({named}), first.hosts);
  EXPECT_EQ(second.added, 1u);
  EXPECT_EQ(second.removed, 1u);
}

TEST(HostSetTest, OtherMetadataLeavesAHostItsIdAndItsHealth) {
  const ClusterConfig config = EdsConfig();
  Endpoint told = At("10.0.0.1");
  told.all_metadata = std::string("one");
  const auto first = BuildHostSet(config, Of({told, At("10.0.0.2")}), nullptr);
  const uint32_t bits = kFailedActiveCheck | kFailedOutlierCheck | kDegradedOutlierCheck;
  first.hosts->host(0).SetHealthBits(bits);
  told.all_metadata = std::string("two");
  const auto second = BuildHostSet(config, Of({told, At("10.0.0.2")}), first.hosts);
  EXPECT_TRUE(second.rebuilt);
  EXPECT_FALSE(second.membership_changed());
  EXPECT_EQ(second.hosts->host(0).id(), first.hosts->host(0).id());
  EXPECT_EQ(*second.hosts->host(0).identity().metadata, "two");
  EXPECT_EQ(*first.hosts->host(0).identity().metadata, "one");
  EXPECT_EQ(second.hosts->host(0).health_bits(), bits);
  EXPECT_EQ(second.hosts->shared_host(1), first.hosts->shared_host(1));

  // At two priorities it is one host still.
  Assignment both = Of({told});
  both.localities.push_back(both.localities[0]);
  both.localities[1].priority = 1;
  for (auto& locality : both.localities) {
    locality.endpoints[0].all_metadata = std::string("three");
  }
  const auto third = BuildHostSet(config, both, second.hosts);
  EXPECT_EQ(third.hosts->shared_host(0), third.hosts->shared_host(1));
  EXPECT_EQ(third.hosts->host(0).id(), first.hosts->host(0).id());
}

TEST(HostSetTest, ALogicalHostKeepsItsIdWhenItsAddressChanges) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kLogicalDns;
  Endpoint logical = At("10.0.0.1");
  logical.logical_name = "db:80";
  const auto first = BuildHostSet(config, Of({logical}), nullptr);
  logical.address = At("10.0.0.2").address;
  const auto second = BuildHostSet(config, Of({logical}), first.hosts);
  EXPECT_TRUE(second.rebuilt);
  EXPECT_FALSE(second.membership_changed());
  EXPECT_EQ(second.hosts->host(0).id(), first.hosts->host(0).id());
  EXPECT_EQ(second.hosts->host(0).address().ToString(), "10.0.0.2:80");
}

TEST(HostSetTest, UnresolvedEndpointsHaveNoHost) {
  Endpoint waiting;
  waiting.dns_name = "db";
  waiting.dns_port = 80;
  const auto update = BuildHostSet(EdsConfig(), Of({waiting, At("10.0.0.1")}), nullptr);
  EXPECT_EQ(update.hosts->size(), 1u);
}

TEST(HostSetTest, DuplicatesAreOneHost) {
  const Assignment twice = Of({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.1", 3)});
  const auto discovered = BuildHostSet(EdsConfig(), twice, nullptr);
  ASSERT_EQ(discovered.hosts->size(), 2u);
  EXPECT_EQ(discovered.hosts->entry(0).weight, 1u);

  const auto configured = BuildHostSet(ClusterConfig(), twice, nullptr);
  ASSERT_EQ(configured.hosts->size(), 2u);
  EXPECT_EQ(configured.hosts->entry(0).weight, 4u);
}

TEST(HostSetTest, UnhealthyHostsAreMembersThatAreNotPicked) {
  Endpoint draining = At("10.0.0.3");
  draining.health = EndpointHealth::kDraining;
  const auto update =
      BuildHostSet(EdsConfig(), Of({At("10.0.0.1"), At("10.0.0.2"), draining}), nullptr);
  EXPECT_EQ(update.hosts->size(), 3u);
  EXPECT_EQ(update.hosts->healthy_count(), 2u);
  const auto picked = Picked(*update.hosts, 100);
  EXPECT_EQ(picked.at("10.0.0.1:80"), 50);
  EXPECT_EQ(picked.at("10.0.0.2:80"), 50);
}

TEST(HostSetTest, DrainingHostsDoNotMoveRequestsToTheNextPriority) {
  Endpoint leaving = At("10.0.0.2");
  leaving.health = EndpointHealth::kDraining;
  Assignment assignment = Of({At("10.0.0.1"), leaving});
  assignment.localities.push_back(Of({At("10.0.1.1")}).localities[0]);
  assignment.localities[1].priority = 1;
  const auto update = BuildHostSet(EdsConfig(), assignment, nullptr);
  EXPECT_EQ(Picked(*update.hosts, 100).at("10.0.0.1:80"), 100);
}

TEST(HostSetTest, PanicUsesAllHostsAndSaysSo) {
  Endpoint bad1 = At("10.0.0.1");
  Endpoint bad2 = At("10.0.0.2");
  bad1.health = bad2.health = EndpointHealth::kUnhealthy;
  const Assignment assignment = Of({bad1, bad2, At("10.0.0.3")});
  const auto update = BuildHostSet(EdsConfig(), assignment, nullptr);
  ASSERT_EQ(update.hosts->groups().size(), 1u);
  EXPECT_TRUE(update.hosts->groups()[0].panic);
  EXPECT_EQ(Picked(*update.hosts, 300).at("10.0.0.1:80"), 100);

  ClusterConfig calm = EdsConfig();
  calm.panic_threshold_percent = 0;
  const auto without = BuildHostSet(calm, assignment, nullptr);
  EXPECT_EQ(Picked(*without.hosts, 100).at("10.0.0.3:80"), 100);
}

TEST(HostSetTest, NothingHealthyAndNoPanicMeansNoHost) {
  Endpoint bad = At("10.0.0.1");
  bad.health = EndpointHealth::kTimeout;
  ClusterConfig calm = EdsConfig();
  calm.panic_threshold_percent = 0;
  const auto update = BuildHostSet(calm, Of({bad}), nullptr);
  EXPECT_EQ(Picked(*update.hosts, 3).at("none"), 3);
  EXPECT_EQ(Picked(HostSet(), 3).at("none"), 3);
}

TEST(HostSetTest, DegradedHostsGetWhatHealthyOnesCannotTake) {
  Endpoint degraded = At("10.0.0.9");
  degraded.health = EndpointHealth::kDegraded;
  // One of two healthy counts for 70 %.
  const auto update = BuildHostSet(EdsConfig(), Of({At("10.0.0.1"), degraded}), nullptr);
  EXPECT_EQ(update.hosts->degraded_count(), 1u);
  const auto picked = Picked(*update.hosts, 100000);
  EXPECT_NEAR(picked.at("10.0.0.1:80"), 70000, 1000);
  EXPECT_NEAR(picked.at("10.0.0.9:80"), 30000, 1000);
}

TEST(HostSetTest, HealthBitsCountInTheNextSnapshot) {
  const auto update = BuildHostSet(EdsConfig(), Of({At("10.0.0.1"), At("10.0.0.2")}), nullptr);
  update.hosts->host(0).SetHealthBits(kFailedActiveCheck);
  const auto rebuilt = RebuildForHealth(*update.hosts);
  EXPECT_EQ(rebuilt->healthy_count(), 1u);
  EXPECT_EQ(Picked(*rebuilt, 10).at("10.0.0.2:80"), 10);
  update.hosts->host(0).ClearHealthBits(kFailedActiveCheck);
  EXPECT_EQ(RebuildForHealth(*rebuilt)->healthy_count(), 2u);
}

TEST(HostSetTest, LowerPrioritiesWaitTheirTurn) {
  Assignment assignment = Of({At("10.0.0.1"), At("10.0.0.2")});
  assignment.localities.push_back(InLocality("b", {At("10.0.1.1")}));
  assignment.localities[1].priority = 1;
  auto update = BuildHostSet(EdsConfig(), assignment, nullptr);
  EXPECT_EQ(Picked(*update.hosts, 100).count("10.0.1.1:80"), 0u);
  assignment.localities[0].endpoints[0].health = EndpointHealth::kUnhealthy;
  update = BuildHostSet(EdsConfig(), assignment, update.hosts);
  const auto picked = Picked(*update.hosts, 100000);
  EXPECT_NEAR(picked.at("10.0.0.2:80"), 70000, 1000);
  EXPECT_NEAR(picked.at("10.0.1.1:80"), 30000, 1000);
  EXPECT_EQ(picked.count("10.0.0.1:80"), 0u);
}

TEST(HostSetTest, LocalityWeightsShareOutBeforeHostWeights) {
  Assignment assignment;
  assignment.localities.push_back(InLocality("a", {At("10.0.0.1"), At("10.0.0.2", 3)}));
  assignment.localities.push_back(InLocality("b", {At("10.0.1.1")}));
  assignment.localities.push_back(InLocality("none", {At("10.0.2.1")}));
  assignment.localities[0].weight = 1;
  assignment.localities[1].weight = 2;
  ClusterConfig config = EdsConfig();
  config.locality_weighted = true;
  const auto update = BuildHostSet(config, assignment, nullptr);
  const auto picked = Picked(*update.hosts, 12000);
  EXPECT_EQ(picked.at("10.0.0.1:80"), 1000);
  EXPECT_EQ(picked.at("10.0.0.2:80"), 3000);
  EXPECT_EQ(picked.at("10.0.1.1:80"), 8000);
  EXPECT_EQ(picked.count("10.0.2.1:80"), 0u);

  config.locality_weighted = false;  // Then the hosts' own weights are all that counts.
  const auto plain = BuildHostSet(config, assignment, update.hosts);
  EXPECT_TRUE(plain.rebuilt);
  EXPECT_EQ(Picked(*plain.hosts, 6000).at("10.0.2.1:80"), 1000);
}

TEST(HostSetTest, AWeakLocalityLosesShare) {
  Assignment assignment;
  assignment.localities.push_back(InLocality("a", {At("10.0.0.1"), At("10.0.0.2")}));
  assignment.localities.push_back(InLocality("b", {At("10.0.1.1")}));
  assignment.localities[0].weight = assignment.localities[1].weight = 1;
  assignment.localities[0].endpoints[0].health = EndpointHealth::kUnhealthy;
  ClusterConfig config = EdsConfig();
  config.locality_weighted = true;
  const auto update = BuildHostSet(config, assignment, nullptr);
  const auto picked = Picked(*update.hosts, 17000);
  EXPECT_NEAR(picked.at("10.0.0.2:80"), 7000, 20);  // Half of it is up: 0.5 * 1.4 = 0.7 of a share.
  EXPECT_NEAR(picked.at("10.0.1.1:80"), 10000, 20);
}

// Tables take weights as they are written, as in Envoy: of the healthy hosts; of all in panic.
TEST(HostSetTest, ATableHasTheWeightsOfLocalitiesAsTheyAreWritten) {
  Assignment assignment;
  assignment.localities.push_back(InLocality("a", {At("10.0.0.1"), At("10.0.0.2")}));
  assignment.localities.push_back(InLocality("b", {At("10.0.1.1")}));
  assignment.localities[0].weight = 1;
  assignment.localities[1].weight = 3;
  assignment.localities[0].endpoints[0].health = EndpointHealth::kUnhealthy;
  ClusterConfig config = EdsConfig();
  config.locality_weighted = true;
  config.lb_policy = LbPolicy::kMaglev;
  config.hashing.Mutable().ring = false;
  const auto weights = [](const HostSet& hosts) {
    std::map<std::string, double> found;
    for (const HashTable::Member& member : hosts.groups()[0].table->members()) {
      found[hosts.host(member.host).address().ToString()] = member.weight;
    }
    return found;
  };
  using Weights = std::map<std::string, double>;
  const auto some = BuildHostSet(config, assignment, nullptr);
  EXPECT_EQ(weights(*some.hosts), (Weights{{"10.0.0.2:80", 1}, {"10.0.1.1:80", 3}}));
  assignment.localities[1].endpoints[0].health = EndpointHealth::kUnhealthy;
  const auto panic = BuildHostSet(config, assignment, some.hosts);
  EXPECT_EQ(weights(*panic.hosts),
            (Weights{{"10.0.0.1:80", 0.5}, {"10.0.0.2:80", 0.5}, {"10.0.1.1:80", 3}}));
}

TEST(HostSetTest, WeightsBeyondTheRingAreScaled) {
  const auto update = BuildHostSet(
      EdsConfig(), Of({At("10.0.0.1", UINT32_MAX), At("10.0.0.2", UINT32_MAX), At("10.0.0.3", 1)}),
      nullptr);
  const auto picked = Picked(*update.hosts, 10000);
  EXPECT_NEAR(picked.at("10.0.0.1:80"), 5000, 10);
  EXPECT_NEAR(picked.at("10.0.0.2:80"), 5000, 10);
}

TEST(HostSetTest, ManyLocalitiesAreFoundFast) {
  Assignment assignment;
  for (int i = 0; i < 20000; ++i) {
    assignment.localities.push_back(
        InLocality(std::to_string(i),
                   {At("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250))}));
  }
  const auto update = BuildHostSet(EdsConfig(), assignment, nullptr);
  EXPECT_EQ(update.hosts->size(), 20000u);
  EXPECT_EQ(update.hosts->localities().size(), 20000u);
}

#if !defined(PROXENOS_ASAN) && !defined(PROXENOS_TSAN)
// The mark is 4 KiB for a cluster with one endpoint, all in; this is the shared part of it.
TEST(HostSetTest, AClusterWithOneEndpointIsSmall) {
  constexpr int kClusters = 1000;
  std::vector<std::shared_ptr<const ClusterConfig>> configs;
  std::vector<std::shared_ptr<const HostSet>> sets;
  configs.reserve(kClusters);
  sets.reserve(kClusters);
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < kClusters; ++i) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = "a_cluster_with_a_name_of_usual_length_" + std::to_string(i);
    config->assignment = std::make_shared<const Assignment>(Of({At("10.0.0.1")}));
    sets.push_back(BuildHostSet(*config, *config->assignment, nullptr).hosts);
    configs.push_back(std::move(config));
  }
  const size_t each = (mallinfo2().uordblks - before) / kClusters;
  RecordProperty("bytes_per_cluster", static_cast<int>(each));
  std::printf("%zu bytes per cluster\n", each);
  EXPECT_LT(each, 2048u);
}
#endif

}  // namespace
}  // namespace proxenos::upstream
