// Subsets: which hosts are in them, what a request finds, what it falls back on, and what is used
// again when hosts change.
#include "source/upstream/subsets.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/stats/registry.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/subset_hosts.h"
#include "test/support/sim_clock.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using testing::At;
using testing::InLocality;
using testing::Of;

std::string Text(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  return value.SerializeAsString();
}

std::string List(const std::vector<std::string>& texts) {
  google::protobuf::Value value;
  for (const std::string& each : texts) {
    value.mutable_list_value()->add_values()->set_string_value(each);
  }
  return value.SerializeAsString();
}

// Fields, by rising name.
FlatStruct With(const std::map<std::string, std::string>& texts) {
  FlatStruct fields;
  for (const auto& [name, text] : texts) fields.emplace_back(name, Text(text));
  return fields;
}

Endpoint Host(int number, FlatStruct metadata, EndpointHealth health = EndpointHealth::kHealthy) {
  Endpoint endpoint = At(absl::StrCat("10.0.", number / 250, ".", number % 250 + 1));
  endpoint.metadata = std::make_shared<const FlatStruct>(std::move(metadata));
  endpoint.health = health;
  return endpoint;
}

SubsetSelector By(std::vector<std::string> keys) {
  SubsetSelector selector;
  selector.keys = std::move(keys);
  return selector;
}

constexpr auto kSick = EndpointHealth::kUnhealthy;

// A cluster as one worker sees it: what it picks, as the number of the host in the assignment.
class SubsetsTest : public ::testing::Test {
 protected:
  void Take(const Assignment& assignment) {
    config_.discovery = DiscoveryKind::kEds;
    config_.subsets = std::make_shared<const SubsetRules>(rules_);
    hosts_ = BuildHostSet(config_, assignment, hosts_).hosts;
    whole_ = MakeWorkerBalancer(config_, registry_, live_, Idle);
    whole_->Update(*hosts_, random_);
    source_ = std::make_unique<SubsetHosts>(config_, registry_, *whole_, live_, Idle);
    source_->Update(*hosts_);
  }
  static uint32_t Idle(HostIndex) { return 0; }

  std::map<int, int> Spread(const FlatStruct* wanted, int picks = 100) {
    std::map<int, int> counts;
    PickRequest request;
    request.subset = wanted;
    for (int i = 0; i < picks; ++i) {
      const Choice choice = source_->Choose(request, random_);
      ++counts[choice ? static_cast<int>(choice.host) : -1];
    }
    return counts;
  }
  std::map<int, int> Spread(const std::map<std::string, std::string>& texts, int picks = 100) {
    const FlatStruct wanted = With(texts);
    return Spread(&wanted, picks);
  }

  // Over all that was opened so far.
  uint64_t Stat(absl::string_view name) {
    const stats::Schema& schema = SubsetRequestStats::schema();
    for (const stats::ScopeReading& scope : registry_.Read()) {
      for (size_t i = 0; scope.schema == &schema && i < schema.stats.size(); ++i) {
        if (schema.stats[i].name == name) return scope.total.values[i];
      }
    }
    return 0;
  }

  SubsetRules rules_;
  ClusterConfig config_;
  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  const LiveInputs live_{loop_};
  stats::Registry registry_;
  base::Random random_{3};
  std::shared_ptr<const HostSet> hosts_;
  std::unique_ptr<LoadBalancer> whole_;
  std::unique_ptr<SubsetHosts> source_;
};

using Counts = std::map<int, int>;

TEST_F(SubsetsTest, ARequestGoesToHostsThatHaveWhatItAsksFor) {
  rules_.selectors = {By({"version"}), By({"stage", "version"})};
  Take(Of({Host(0, With({{"stage", "prod"}, {"version", "1"}})),
           Host(1, With({{"stage", "prod"}, {"version", "2"}})),
           Host(2, With({{"stage", "dev"}, {"version", "2"}})), Host(3, With({{"other", "2"}}))}));
  EXPECT_EQ(hosts_->subsets()->size(), 5u);
  EXPECT_EQ(Spread({{"version", "1"}}), (Counts{{0, 100}}));
  EXPECT_EQ(Spread({{"version", "2"}}), (Counts{{1, 50}, {2, 50}}));
  EXPECT_EQ(Spread({{"stage", "prod"}, {"version", "2"}}), (Counts{{1, 100}}));
  EXPECT_EQ(Stat("lb_subsets_selected"), 300u);
  // None of these is a subset, and nothing is fallen back on.
  EXPECT_EQ(Spread({{"version", "3"}}), (Counts{{-1, 100}}));
  EXPECT_EQ(Spread({{"stage", "prod"}}), (Counts{{-1, 100}}));
  EXPECT_EQ(Spread({{"other", "2"}, {"version", "2"}}), (Counts{{-1, 100}}));
  EXPECT_EQ(Spread(nullptr), (Counts{{-1, 100}}));
  EXPECT_EQ(Stat("lb_subsets_fallback"), 0u);
}

TEST_F(SubsetsTest, FallbackOfTheCluster) {
  rules_.selectors = {By({"version"})};
  rules_.fallback = SubsetFallback::kAny;
  const Assignment hosts = Of({Host(0, With({{"version", "1"}})), Host(1, With({{"a", "b"}}))});
  Take(hosts);
  EXPECT_EQ(Spread({{"version", "9"}}), (Counts{{0, 50}, {1, 50}}));
  EXPECT_EQ(Spread(nullptr), (Counts{{0, 50}, {1, 50}}));
  EXPECT_EQ(Stat("lb_subsets_fallback"), 200u);

  rules_.fallback = SubsetFallback::kDefault;
  rules_.default_subset = With({{"a", "b"}});
  Take(hosts);
  EXPECT_EQ(Spread({{"version", "9"}}), (Counts{{1, 100}}));
  EXPECT_EQ(Spread({{"version", "1"}}), (Counts{{0, 100}}));

  rules_.default_subset = With({{"a", "c"}});
  Take(hosts);
  EXPECT_EQ(Spread({{"version", "9"}}), (Counts{{-1, 100}}));
  rules_.panic_mode_any = true;
  Take(hosts);
  EXPECT_EQ(Spread({{"version", "9"}}), (Counts{{0, 50}, {1, 50}}));
  EXPECT_EQ(Stat("lb_subsets_fallback_panic"), 100u);
}

TEST_F(SubsetsTest, FallbacksOfSelectors) {
  rules_.selectors = {By({"a"}), By({"b"}), By({"a", "b"}), By({"c"})};
  rules_.selectors[0].fallback = SubsetFallback::kNone;
  rules_.selectors[1].fallback = SubsetFallback::kDefault;
  rules_.selectors[2].fallback = SubsetFallback::kKeys;
  rules_.selectors[2].fallback_keys = {"b"};
  rules_.fallback = SubsetFallback::kAny;
  rules_.default_subset = With({{"a", "1"}});
  Take(Of({Host(0, With({{"a", "1"}})), Host(1, With({{"b", "1"}}))}));
  EXPECT_EQ(Spread({{"a", "2"}}), (Counts{{-1, 100}}));
  EXPECT_EQ(Spread({{"b", "2"}}), (Counts{{0, 100}}));
  EXPECT_EQ(Spread({{"a", "1"}, {"b", "1"}}), (Counts{{1, 100}}));
  EXPECT_EQ(Spread({{"a", "1"}, {"b", "2"}}), (Counts{{0, 100}}));  // By way of {b}.
  EXPECT_EQ(Spread({{"c", "2"}}), (Counts{{0, 50}, {1, 50}}));
  EXPECT_EQ(Stat("lb_subsets_fallback"), 100u);
}

TEST_F(SubsetsTest, RedundantKeys) {
  rules_.selectors = {By({"a"}), By({"a", "b"}), By({"b", "c"})};
  rules_.allow_redundant_keys = true;
  Take(Of({Host(0, With({{"a", "1"}, {"b", "1"}})), Host(1, With({{"b", "1"}, {"c", "1"}})),
           Host(2, With({{"a", "1"}}))}));
  EXPECT_EQ(Spread({{"a", "1"}, {"x", "1"}}), (Counts{{0, 50}, {2, 50}}));
  EXPECT_EQ(Spread({{"a", "1"}, {"b", "1"}, {"c", "1"}}), (Counts{{0, 100}}));
  EXPECT_EQ(Spread({{"b", "1"}, {"c", "1"}, {"x", "1"}}), (Counts{{1, 100}}));
}

TEST_F(SubsetsTest, ListsAsAny) {
  rules_.selectors = {By({"stage"})};
  const Assignment hosts =
      Of({Host(0, {{"stage", List({"a", "b", "a"})}}), Host(1, With({{"stage", "b"}}))});
  Take(hosts);
  EXPECT_EQ(Spread({{"stage", "b"}}), (Counts{{1, 100}}));
  const FlatStruct whole = {{"stage", List({"a", "b", "a"})}};
  EXPECT_EQ(Spread(&whole), (Counts{{0, 100}}));

  rules_.list_as_any = true;
  Take(hosts);
  EXPECT_EQ(Spread({{"stage", "a"}}), (Counts{{0, 100}}));
  EXPECT_EQ(Spread({{"stage", "b"}}), (Counts{{0, 50}, {1, 50}}));
  EXPECT_EQ(Spread(&whole), (Counts{{-1, 100}}));
}

TEST_F(SubsetsTest, ListsOfManyValuesAreCut) {
  rules_.selectors = {By({"a", "b", "c"})};
  rules_.list_as_any = true;
  std::vector<std::string> values;
  for (int i = 0; i < 100; ++i) values.push_back(absl::StrCat(i));
  Take(Of({Host(0, {{"a", List(values)}, {"b", List(values)}, {"c", List(values)}})}));
  EXPECT_EQ(hosts_->subsets()->size(), Subsets::kMaxPerHost);
}

TEST_F(SubsetsTest, OneHostForAValue) {
  rules_.selectors = {By({"id"})};
  rules_.selectors[0].single_host = true;
  Assignment assignment = Of({Host(0, With({{"id", "x"}}))});
  assignment.localities[0].priority = 1;
  assignment.localities.push_back(
      InLocality("", {Host(1, With({{"id", "x"}}), kSick), Host(2, With({{"id", "x"}})),
                      Host(3, With({{"id", "y"}}))}));
  Take(assignment);
  EXPECT_EQ(Spread({{"id", "x"}}), (Counts{{1, 100}}));  // Of the best priority, sick or not.
  EXPECT_EQ(Spread({{"id", "y"}}), (Counts{{3, 100}}));
  EXPECT_EQ(hosts_->subsets()->duplicates(), 2u);
}

TEST_F(SubsetsTest, EachSubsetHasPrioritiesAndPanicOfItsOwn) {
  rules_.selectors = {By({"v"})};
  Assignment assignment = Of({Host(0, With({{"v", "1"}})), Host(1, With({{"v", "2"}}), kSick),
                              Host(2, With({{"v", "3"}}), kSick)});
  assignment.localities.push_back(InLocality("", {Host(3, With({{"v", "2"}}))}));
  assignment.localities[1].priority = 1;
  Take(assignment);
  EXPECT_EQ(Spread({{"v", "1"}}), (Counts{{0, 100}}));
  EXPECT_EQ(Spread({{"v", "2"}}), (Counts{{3, 100}}));
  // Nobody in it is well: better a sick host than none.
  EXPECT_EQ(Spread({{"v", "3"}}), (Counts{{2, 100}}));
}

TEST_F(SubsetsTest, WeightsOfLocalities) {
  rules_.selectors = {By({"v"})};
  config_.locality_weighted = true;
  Assignment assignment = Of({Host(0, With({{"v", "1"}}))});
  assignment.localities[0].weight = 3;
  assignment.localities[0].locality.zone = "a";
  assignment.localities.push_back(InLocality(
      "b",
      {Host(1, With({{"v", "1"}})), Host(2, With({{"v", "2"}})), Host(3, With({{"v", "2"}}))}));
  assignment.localities[1].weight = 9;
  Take(assignment);
  EXPECT_EQ(Spread({{"v", "1"}}, 400), (Counts{{0, 200}, {1, 200}}));
  rules_.locality_weight_aware = true;
  Take(assignment);
  EXPECT_EQ(Spread({{"v", "1"}}, 400), (Counts{{0, 100}, {1, 300}}));
  rules_.scale_locality_weight = true;  // A third of b's hosts are in it.
  Take(assignment);
  EXPECT_EQ(Spread({{"v", "1"}}, 400), (Counts{{0, 200}, {1, 200}}));
}

TEST_F(SubsetsTest, ListsOfFallbacks) {
  rules_.selectors = {By({"v"})};
  Take(Of({Host(0, With({{"v", "1"}})), Host(1, With({{"v", "2"}}))}));
  const FlatStruct wanted = With({{"v", "1"}});
  const std::vector<FlatStruct> fallbacks = {With({{"v", "9"}}), With({{"v", "2"}}), wanted};
  PickRequest request;
  request.subset = &wanted;
  request.subset_fallbacks = fallbacks;
  EXPECT_EQ(source_->Choose(request, random_).host, 0u);
  rules_.uses_fallbacks = true;
  Take(Of({Host(0, With({{"v", "1"}})), Host(1, With({{"v", "2"}}))}));
  EXPECT_EQ(source_->Choose(request, random_).host, 1u);
}

TEST_F(SubsetsTest, WhatHasNotChangedIsUsedAgain) {
  rules_.selectors = {By({"v"})};
  config_.subsets = std::make_shared<const SubsetRules>(rules_);
  config_.discovery = DiscoveryKind::kEds;
  const Endpoint first = Host(0, With({{"v", "1"}}));
  const Endpoint second = Host(1, With({{"v", "2"}}));
  const auto before = BuildHostSet(config_, Of({first, second}), nullptr).hosts;
  const auto after =
      BuildHostSet(config_, Of({Host(2, With({{"v", "1"}})), first, second}), before).hosts;
  const FlatStruct one = With({{"v", "1"}});
  const FlatStruct two = With({{"v", "2"}});
  EXPECT_EQ(after->subsets()->Find(two)->hosts, before->subsets()->Find(two)->hosts);
  EXPECT_EQ(after->subsets()->Find(two)->indexes, std::vector<HostIndex>{2});
  EXPECT_NE(after->subsets()->Find(one)->hosts, before->subsets()->Find(one)->hosts);
  EXPECT_EQ(after->subsets()->CountMissingIn(before->subsets()), 0u);

  after->host(2).SetHealthBits(kFailedActiveCheck);
  const auto sick = RebuildForHealth(*after);
  EXPECT_NE(sick->subsets()->Find(two)->hosts, after->subsets()->Find(two)->hosts);
  EXPECT_EQ(sick->subsets()->Find(two)->hosts->healthy_count(), 0u);
  EXPECT_EQ(sick->subsets()->Find(one)->hosts, after->subsets()->Find(one)->hosts);

  const auto fewer = BuildHostSet(config_, Of({first}), sick).hosts;
  EXPECT_EQ(fewer->subsets()->size(), 1u);
  EXPECT_EQ(sick->subsets()->CountMissingIn(fewer->subsets()), 1u);
  EXPECT_EQ(fewer->subsets()->CountMissingIn(nullptr), 1u);
}

// Property: whatever the hosts have, and under each policy, a request reaches exactly the hosts of
// its subset, each about as often as its weight says.
TEST_F(SubsetsTest, SharesFollowWeightsWithinASubset) {
  for (const LbPolicy policy :
       {LbPolicy::kRoundRobin, LbPolicy::kLeastRequest, LbPolicy::kRandom, LbPolicy::kMaglev}) {
    config_.lb_policy = policy;
    config_.hashing.Mutable().ring = false;
    config_.hashing.Mutable().table_size = 1021;
    for (int round = 0; round < 10; ++round) {
      rules_.selectors = {By({"v"}), By({"u", "v"})};
      std::vector<Endpoint> endpoints;
      std::map<std::string, std::map<int, uint32_t>> weights;
      for (int i = 0; i < 30; ++i) {
        const std::string value = absl::StrCat(random_.Below(4));
        endpoints.push_back(Host(i, With({{"v", value}})));
        const bool even = policy == LbPolicy::kRandom;
        endpoints.back().weight = even ? 1 : 1 + static_cast<uint32_t>(random_.Below(5));
        weights[value][i] = endpoints.back().weight;
      }
      hosts_ = nullptr;
      Take(Of(std::move(endpoints)));
      for (const auto& [value, shares] : weights) {
        double sum = 0;
        for (const auto& [host, weight] : shares) sum += weight;
        constexpr int kPicks = 4000;
        const Counts counts = Spread({{"v", value}}, kPicks);
        ASSERT_EQ(counts.size(), shares.size());
        for (const auto& [host, weight] : shares) {
          ASSERT_TRUE(counts.contains(host));
          EXPECT_NEAR(counts.at(host), kPicks * weight / sum, kPicks * weight / sum * 0.35 + 20);
        }
      }
    }
  }
}

}  // namespace
}  // namespace proxenos::upstream
