// Clusters and endpoints in the store: what it puts in force when, in what order, and what it wants
// meanwhile.
#include <string>

#include "test/server/config_store_fixture.h"

namespace proxenos::server {
namespace {

TEST_F(ConfigStoreTest, StaticClusterIsInForceAtOnce) {
  EXPECT_TRUE(Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}}).empty());
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_EQ(store_->clusters().counts().added, 1u);
  EXPECT_EQ(store_->VersionOf(xds::kClusterType), "v");
}

TEST_F(ConfigStoreTest, UnchangedBytesCostNothing) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  const int before = compiled_;
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(compiled_, before);
}

TEST_F(ConfigStoreTest, BadResourceIsRefusedAloneAndKeepsTheLastGood) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  EXPECT_EQ(Apply(xds::kClusterType, {{"a", "bad"}, {"b", "static 10.0.0.2"}, {"c", "bad"}}),
            (Words{"a: type: is bad", "c: type: is bad"}));
  EXPECT_EQ(Turn(), Words{"cluster b/1"});
  std::map<std::string, std::string> states;
  store_->clusters().ForEach([&states](const ResourceView& view) {
    states[view.name] = absl::StrCat(view.active ? "active " + *view.active->bytes : "nothing",
                                     view.refused ? ", refused: " + view.refused->reason : "");
  });
  EXPECT_EQ(states["a"], "active a static 10.0.0.1, refused: type: is bad");
  EXPECT_EQ(states["b"], "active b static 10.0.0.2");
  EXPECT_EQ(states["c"], "nothing, refused: type: is bad");
  // The error goes when the good one is sent again, at no cost.
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(Turn(), kNoBatch);
  store_->clusters().ForEach([](const ResourceView& view) {
    if (view.name == "a") {
      EXPECT_EQ(view.refused, nullptr);
    }
  });
}

TEST_F(ConfigStoreTest, EdsClusterWaitsForItsEndpoints) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(store_->clusters().warming_count(), 1u);
  EXPECT_EQ((wanted_[{xds::kEndpointType, ""}]), std::set<std::string>{"service-a"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster a/2"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.2 10.0.0.3"}});
  EXPECT_EQ(Turn(), Words{"hosts a/3"});
  EXPECT_EQ(Apply(xds::kEndpointType, {{"service-a", "bad"}}),
            Words{"service-a: endpoints[0]: is bad"});
  EXPECT_EQ(Turn(), kNoBatch);
}

TEST_F(ConfigStoreTest, HostsOfASlowStartAreToldSinceWhenTheyServe) {
  const auto since = [this](const std::string& cluster) {
    std::vector<base::MonoTime> times;
    store_->clusters().VisitActive(cluster, [&times](const ClusterView& view) {
      for (const upstream::HostEntry& entry : view.hosts.entries()) {
        times.push_back(entry.host->in_rotation_since());
      }
    });
    return times;
  };
  using Times = std::vector<base::MonoTime>;
  Apply(xds::kClusterType, {{"a", "eds service-a slow"}, {"b", "eds service-a"}});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1"}});
  Turn();
  const base::MonoTime first = loop_.now();
  EXPECT_EQ(since("a"), Times{first});
  EXPECT_EQ(since("b"), Times{0}) << "nobody asks there";
  After(5 * base::kSecond);
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.2"}});
  Turn();
  EXPECT_EQ(since("a"), (Times{first, first + 5 * base::kSecond}));
}

TEST_F(ConfigStoreTest, FewEndpointsAreCompiledAgainWhenTheyAreNeededAgain) {
  const auto with_endpoints = [this](const std::string& service, int count) {
    std::string addresses;
    for (int i = 1; i <= count; ++i) absl::StrAppend(&addresses, i > 1 ? " " : "", "10.0.0.", i);
    Apply(xds::kClusterType, {{service, absl::StrCat("eds ", service)}});
    Turn();
    Apply(xds::kEndpointType, {{service, addresses}});
    return Turn();
  };
  const auto compiled_for_another_version = [this](const std::string& service, int count) {
    const int before = compiled_;
    Apply(xds::kClusterType, {{service, absl::StrCat("eds ", service, " again")}});
    EXPECT_EQ(Turn(), Words{absl::StrCat("cluster ", service, "/", count)});
    return compiled_ - before;
  };
  EXPECT_EQ(with_endpoints("few", 3), Words{"cluster few/3"});
  EXPECT_EQ(with_endpoints("many", 40), Words{"cluster many/40"});
  EXPECT_EQ(compiled_for_another_version("few", 3), 2) << "the cluster and its endpoints";
  EXPECT_EQ(compiled_for_another_version("many", 40), 1) << "the cluster";
  // What is missing stays what it was.
  const int before = compiled_;
  Apply(xds::kEndpointType, {}, {"few"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_LE(compiled_ - before, 1);
}

TEST_F(ConfigStoreTest, EdsClusterGoesOnWithoutEndpointsAfterItsTime) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  Turn();
  EXPECT_EQ(After(14 * base::kSecond), kNoBatch);
  EXPECT_EQ(After(2 * base::kSecond), Words{"cluster a/0"});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1"}});
  EXPECT_EQ(Turn(), Words{"hosts a/1"});
}

TEST_F(ConfigStoreTest, OldVersionServesWhileTheNewOneWarms) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  EXPECT_EQ(Turn(), kNoBatch);
  store_->clusters().ForEach([](const ResourceView& view) {
    EXPECT_NE(view.active, nullptr);
    EXPECT_NE(view.warming, nullptr);
  });
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_EQ(store_->clusters().counts().modified, 1u);
}

TEST_F(ConfigStoreTest, EndpointsSharedByClustersAreWantedWhileOneIsThere) {
  Apply(xds::kClusterType, {{"a", "eds service"}, {"b", "eds service"}});
  Turn();
  Apply(xds::kEndpointType, {{"service", "10.0.0.1"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1; cluster b/1"});
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), Words{"-cluster a"});
  EXPECT_EQ((wanted_[{xds::kEndpointType, ""}]), std::set<std::string>{"service"});
  Apply(xds::kClusterType, {}, {"b"});
  EXPECT_EQ(Turn(), Words{"-cluster b"});
  EXPECT_TRUE((wanted_[{xds::kEndpointType, ""}]).empty());
  int left = 0;
  store_->clusters().ForEachAssignment([&left](const ResourceView&) { ++left; });
  EXPECT_EQ(left, 0) << "endpoints that nobody wants are forgotten";
}

TEST_F(ConfigStoreTest, ManyClustersSettleOverSeveralTurns) {
  std::map<std::string, std::string> clusters;
  for (int i = 0; i < 20; ++i) clusters[absl::StrCat("c", i)] = "eds c";
  Apply(xds::kClusterType, clusters);
  Turn();
  EXPECT_EQ(store_->clusters().warming_count(), 20u);
  Apply(xds::kEndpointType, {{"c", "10.0.0.1"}});
  clock_.TickOnRead(base::kMillisecond);  // Each look at the clock finds a millisecond gone.
  size_t turns = 0;
  size_t most = 0;
  for (; store_->clusters().warming_count() > 0; ++turns) {
    ASSERT_LT(turns, 100u);
    const size_t before = store_->clusters().warming_count();
    Turn();
    most = std::max(most, before - store_->clusters().warming_count());
  }
  EXPECT_GT(turns, 3u);
  EXPECT_LE(most, 5u);
  EXPECT_EQ(store_->clusters().active_count(), 20u);
}

TEST_F(ConfigStoreTest, DnsClusterWaitsForTheFirstAnswer) {
  Apply(xds::kClusterType, {{"a", "dns"}});
  EXPECT_EQ(Turn(), kNoBatch);
  resolver_.Answer("name.test", {"10.0.0.1", "10.0.0.2"});
  Turn();
  EXPECT_EQ(store_->clusters().warming_count(), 0u);
  // Its look-ups end with it, at whatever moment.
  Apply(xds::kClusterType, {{"a", "static 10.0.0.9"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_TRUE(resolver_.Open().empty());
}

}  // namespace
}  // namespace proxenos::server
