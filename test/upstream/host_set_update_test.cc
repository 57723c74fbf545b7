// Hosts over any sequence of assignments: those that stay are the same objects, in whatever order
// and however often they are named.
#include "source/upstream/host_set_update.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using Place = std::pair<std::string, int>;  // Address and priority.

// What a set should be, found in the plainest way.
std::vector<Place> PlacesOf(const Assignment& assignment, bool add_weights,
                            std::map<Place, uint32_t>& weights) {
  std::vector<Place> places;
  for (const LocalityEndpoints& locality : assignment.localities) {
    for (const Endpoint& endpoint : locality.endpoints) {
      const Place place(endpoint.address.ToString(), locality.priority);
      const bool fresh = weights.emplace(place, endpoint.weight).second;
      if (fresh) places.push_back(place);
      if (!fresh && add_weights) weights[place] += endpoint.weight;
    }
  }
  return places;
}

void Change(base::Random& random, Assignment& assignment) {
  for (LocalityEndpoints& locality : assignment.localities) {
    auto& endpoints = locality.endpoints;
    const size_t place = endpoints.empty() ? 0 : random.Below(endpoints.size());
    switch (endpoints.empty() ? 0 : random.Below(6)) {
      case 0:
        endpoints.insert(endpoints.begin() + static_cast<ptrdiff_t>(place),
                         testing::At(absl::StrCat("10.0.0.", random.Below(12))));
        break;
      case 1:
        endpoints.erase(endpoints.begin() + static_cast<ptrdiff_t>(place));
        break;
      case 2:
        endpoints[place].weight = static_cast<uint32_t>(1 + random.Below(9));
        break;
      case 3:
        std::swap(endpoints[place], endpoints[random.Below(endpoints.size())]);
        break;
      default:
        break;  // As it was.
    }
  }
}

void Check(const Assignment& assignment, bool add_weights, const HostSet& before,
           const HostSetUpdate& update) {
  std::map<Place, uint32_t> weights;
  const std::vector<Place> places = PlacesOf(assignment, add_weights, weights);
  const HostSet& now = *update.hosts;
  ASSERT_EQ(now.size(), places.size());
  std::set<const Host*> old_hosts;
  std::set<const Host*> new_hosts;
  std::map<std::string, std::set<const Host*>> old_by_address;  // One for each priority, perhaps.
  for (const HostEntry& entry : before.entries()) {
    old_hosts.insert(entry.host.get());
    old_by_address[entry.host->address().ToString()].insert(entry.host.get());
  }
  for (HostIndex i = 0; i < now.size(); ++i) {
    const HostEntry& entry = now.entry(i);
    const std::string address = entry.host->address().ToString();
    new_hosts.insert(entry.host.get());
    EXPECT_EQ(Place(address, entry.priority), places[i]);
    EXPECT_EQ(entry.weight, weights[places[i]]);
    const auto old = old_by_address.find(address);
    if (old != old_by_address.end()) {
      EXPECT_EQ(old->second.count(entry.host.get()), 1u) << address;
    }
  }
  const auto without = [](const std::set<const Host*>& a, const std::set<const Host*>& b) {
    return std::count_if(a.begin(), a.end(), [&b](const Host* host) { return b.count(host) == 0; });
  };
  if (!update.rebuilt) return;
  EXPECT_EQ(update.added, static_cast<uint32_t>(without(new_hosts, old_hosts)));
  EXPECT_EQ(update.removed, static_cast<uint32_t>(without(old_hosts, new_hosts)));
}

class HostSetUpdateTest : public ::testing::TestWithParam<DiscoveryKind> {};

TEST_P(HostSetUpdateTest, AnySequenceOfAssignments) {
  base::Random random(11);
  ClusterConfig config;
  config.discovery = GetParam();
  for (int round = 0; round < 300; ++round) {
    Assignment assignment;
    for (uint32_t i = 0; i < 1 + random.Below(3); ++i) {
      assignment.localities.push_back(testing::InLocality(absl::StrCat(i % 2), {}));
      assignment.localities.back().priority = i / 2;
    }
    auto hosts = std::make_shared<const HostSet>();
    for (int step = 0; step < 20; ++step) {
      Change(random, assignment);
      const HostSetUpdate update = BuildHostSet(config, assignment, hosts);
      Check(assignment, config.discovery == DiscoveryKind::kStatic, *hosts, update);
      if (HasFailure()) return;
      hosts = update.hosts;
      EXPECT_FALSE(BuildHostSet(config, assignment, hosts).rebuilt);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostSetUpdateTest,
                         ::testing::Values(DiscoveryKind::kStatic, DiscoveryKind::kEds));

// drop_overloads is of the snapshot: a change of it alone makes a new one, of the same hosts.
TEST(DropOverloadTest, AChangeIsANewSnapshot) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  Assignment assignment = testing::Of({testing::At("10.0.0.1")});
  const HostSetUpdate plain = BuildHostSet(config, assignment, nullptr);
  EXPECT_EQ(plain.hosts->drop_overload(), nullptr);
  assignment.drop_overload = {"lb", 5};
  const HostSetUpdate dropping = BuildHostSet(config, assignment, plain.hosts);
  ASSERT_NE(dropping.hosts, plain.hosts);
  EXPECT_EQ(*dropping.hosts->drop_overload(), (DropOverload{"lb", 5}));
  EXPECT_EQ(dropping.hosts->shared_host(0), plain.hosts->shared_host(0));
  EXPECT_FALSE(dropping.membership_changed());
  EXPECT_EQ(BuildHostSet(config, assignment, dropping.hosts).hosts, dropping.hosts);
  EXPECT_EQ(RebuildForHealth(*dropping.hosts)->drop_overload(), dropping.hosts->drop_overload());
  assignment.drop_overload.millionths = 0;
  EXPECT_EQ(BuildHostSet(config, assignment, dropping.hosts).hosts->drop_overload(), nullptr);
}

// Hosts that discovery has dropped are kept as long as they are well, in localities of their own:
// as far as there are numbers for these beside those that discovery names.
TEST(KeptHostsTest, LocalitiesAreNoMoreThanCanBeToldApart) {
  ClusterConfig config;
  config.discovery = DiscoveryKind::kEds;
  config.health_check = std::make_shared<HealthCheck>();
  Assignment old;
  for (int i = 1; i <= 3; ++i) {
    old.localities.push_back(
        testing::InLocality(absl::StrCat("old", i), {testing::At(absl::StrCat("10.0.0.", i))}));
  }
  const auto before = BuildHostSet(config, old, nullptr).hosts;
  for (HostIndex i = 0; i < 3; ++i) before->host(i).ClearHealthBits(kFailedActiveCheck);
  Assignment now;
  for (int i = 0; i < UINT16_MAX; ++i) {
    now.localities.push_back(testing::InLocality(absl::StrCat(i), {}));
  }
  const auto full = BuildHostSet(config, now, before).hosts;
  EXPECT_EQ(full->localities().size(), size_t{UINT16_MAX} + 1);
  EXPECT_EQ(full->size(), 1u);
  now.localities.resize(10);
  EXPECT_EQ(BuildHostSet(config, now, before).hosts->size(), 3u);
}

}  // namespace
}  // namespace proxenos::upstream
