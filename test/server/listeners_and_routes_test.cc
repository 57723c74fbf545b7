// Listeners, routes and the clusters that they name in the store: who waits for whom, who is
// refused, what goes when.
#include <map>
#include <string>

#include "test/server/config_store_fixture.h"

namespace proxenos::server {
namespace {

using ListenersAndRoutesTest = ConfigStoreTest;

TEST_F(ListenersAndRoutesTest, ListenerWaitsForItsRoutes) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Turn();
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ((wanted_[{xds::kRouteType, ""}]), std::set<std::string>{"r"});
  Apply(xds::kRouteType, {{"r", "a"}});
  EXPECT_EQ(Turn(), Words{"routes r->a; listener l"});
  Apply(xds::kRouteType, {{"r", "a unknown"}});
  EXPECT_EQ(Turn(), Words{"routes r->a,unknown"}) << "unheard-of clusters hold nothing back";
}

TEST_F(ListenersAndRoutesTest, ListenerGoesOnWithoutRoutesAfterItsTime) {
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  EXPECT_EQ(After(16 * base::kSecond), Words{"listener l"});
  Apply(xds::kRouteType, {{"r", ""}});
  EXPECT_EQ(Turn(), Words{"routes r->"});
}

// What a control plane does that changes everything at once: nothing refers to what is not there.
TEST_F(ListenersAndRoutesTest, NewRoutesWaitForTheirNewCluster) {
  Apply(xds::kClusterType, {{"old", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  Apply(xds::kRouteType, {{"r", "old"}});
  EXPECT_EQ(Turn(), Words{"routes r->old; listener l"});

  Apply(xds::kClusterType, {{"new", "eds service"}}, {"old"});
  EXPECT_EQ(Turn(), kNoBatch) << "routes still name the old one";
  Apply(xds::kRouteType, {{"r", "new"}});
  EXPECT_EQ(Turn(), kNoBatch) << "the new one has no endpoints yet";
  Apply(xds::kEndpointType, {{"service", "10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"cluster new/1; routes r->new; -cluster old"});
}

TEST_F(ListenersAndRoutesTest, RemovedClusterGoesAfterTheGraceWhateverNamesIt) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 inline a"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1; listener l"});
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(After(kRemovalGrace), Words{"-cluster a"});
}

// Some control planes leave a question open while one of its names is unknown to them: it must not
// hold up the endpoints of the cluster that comes in its place.
TEST_F(ListenersAndRoutesTest, EndpointsOfARemovedClusterServeButAreNotAskedFor) {
  const std::set<std::string>& wanted = wanted_[{xds::kEndpointType, ""}];
  Apply(xds::kClusterType, {{"old", "eds before"}});
  Apply(xds::kEndpointType, {{"before", "10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 inline old"}});
  EXPECT_EQ(Turn(), Words{"cluster old/1; listener l"});

  Apply(xds::kClusterType, {{"new", "eds after"}}, {"old"});
  EXPECT_EQ(Turn(), kNoBatch) << "it serves on";
  EXPECT_EQ(wanted, std::set<std::string>{"after"});

  Apply(xds::kClusterType, {{"old", "eds before"}});
  EXPECT_EQ(Turn(), kNoBatch) << "it has its endpoints";
  EXPECT_EQ(wanted, (std::set<std::string>{"after", "before"}));
  Apply(xds::kEndpointType, {{"before", "10.0.0.1 10.0.0.2"}});
  EXPECT_EQ(Turn(), Words{"hosts old/2"}) << "and what becomes of them";
}

TEST_F(ListenersAndRoutesTest, RemovedClusterThatComesBackIsUntouched) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 inline a"}});
  Turn();
  Apply(xds::kClusterType, {}, {"a"});
  Turn();
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  EXPECT_EQ(After(10 * kRemovalGrace), kNoBatch);
}

TEST_F(ListenersAndRoutesTest, RoutesThatNobodyNamesGo) {
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  Apply(xds::kRouteType, {{"r", ""}});
  Turn();
  Apply(xds::kListenerType, {}, {"l"});
  EXPECT_EQ(Turn(), Words{"-listener l; -routes r"});
  EXPECT_TRUE((wanted_[{xds::kRouteType, ""}]).empty());
}

TEST_F(ListenersAndRoutesTest, ListenerThatChangesItsRoutesKeepsTheOldOnesUntilThen) {
  Apply(xds::kListenerType, {{"l", "80 rds r1"}});
  Turn();
  Apply(xds::kRouteType, {{"r1", ""}});
  Turn();
  Apply(xds::kListenerType, {{"l", "80 rds r2"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ((wanted_[{xds::kRouteType, ""}]), (std::set<std::string>{"r1", "r2"}));
  Apply(xds::kRouteType, {{"r2", ""}});
  EXPECT_EQ(Turn(), Words{"routes r2->; listener l; -routes r1"});
  EXPECT_EQ(store_->listeners().draining_count(), 1u);
  bool draining = false;
  store_->listeners().ForEach(
      [&draining](const ResourceView& view) { draining = view.draining != nullptr; });
  EXPECT_TRUE(draining);
  After(61 * base::kSecond);
  EXPECT_EQ(store_->listeners().draining_count(), 0u);
}

TEST_F(ListenersAndRoutesTest, ListenersAreRefusedForWhatStandsAroundThem) {
  EXPECT_EQ(Apply(xds::kListenerType, {{"a", "80 inline nobody"}}),
            Words{"a: routes of this listener name unknown clusters: nobody"});
  EXPECT_TRUE(Apply(xds::kListenerType, {{"b", "80 rds r"}}).empty());
  EXPECT_EQ(Apply(xds::kListenerType, {{"c", "80 rds r"}}),
            Words{"c: address: 127.0.0.1:80 is that of listener b"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"d", "81 rds r file"}}),
            Words{"d: rds.config_source: routes r already come from another source"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"e", "1 rds r"}}), Words{"e: port is taken"});
  // An address is free for a newcomer in the step that removes its holder.
  Turn();
  EXPECT_TRUE(Apply(xds::kListenerType, {{"f", "80 inline"}}, {"b"}).empty());
  EXPECT_EQ(Turn(), Words{"listener f; -listener b"});
}

TEST_F(ListenersAndRoutesTest, RoutesThatAskForItHaveTheirClustersChecked) {
  Apply(xds::kClusterType, {{"a", "static 10.0.0.1"}});
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  Turn();
  EXPECT_EQ(Apply(xds::kRouteType, {{"r", "checked a x y"}}),
            Words{"r: routes of r name unknown clusters: x, y"});
  EXPECT_TRUE(Apply(xds::kRouteType, {{"r", "checked a"}}).empty());
}

TEST_F(ListenersAndRoutesTest, VersionsThatDrainDoNotPileUp) {
  for (int i = 0; i < 20; ++i) {
    Apply(xds::kListenerType, {{"l", absl::StrCat(80 + i, " inline")}});
    Turn();
  }
  EXPECT_EQ(store_->listeners().draining_count(), 1u);
  EXPECT_EQ(store_->listeners().counts().modified, 19u);
}

TEST_F(ListenersAndRoutesTest, StaticResourcesAreNotChangedByDiscovery) {
  EXPECT_TRUE(store_->AddStatic(xds::kClusterType, Named("a", "a static 10.0.0.1")).empty());
  EXPECT_TRUE(store_->AddStatic(xds::kListenerType, Named("l", "l 80 inline a")).empty());
  EXPECT_EQ(Turn(), Words{"cluster a/1; listener l"});
  EXPECT_EQ(store_->AddStatic(xds::kClusterType, Named("a", "a static 10.0.0.1")).size(), 1u);
  EXPECT_EQ(Apply(xds::kClusterType, {{"a", "static 10.0.0.2"}}),
            Words{"a: a static cluster has this name; it cannot be changed by discovery"});
  EXPECT_EQ(Apply(xds::kListenerType, {{"l", "81 inline a"}}),
            Words{"l: a static listener has this name; it cannot be changed by discovery"});
  Apply(xds::kClusterType, {}, {"a"});
  Apply(xds::kListenerType, {}, {"l"});
  EXPECT_EQ(Turn(), kNoBatch);
  int inline_routes = 0;
  store_->listeners().ForEachInlineRoutes(
      [&inline_routes](const std::string&, base::WallTime) { ++inline_routes; });
  EXPECT_EQ(inline_routes, 1);
}

TEST_F(ListenersAndRoutesTest, TypesOfNobodyAreRefused) {
  EXPECT_EQ(Apply("type.googleapis.com/x.Y", {{"z", "1"}}),
            Words{"z: resources of type type.googleapis.com/x.Y are not implemented"});
}

TEST_F(ListenersAndRoutesTest, ClusterRemovedWhileItWarmsLeavesNothing) {
  Apply(xds::kClusterType, {{"a", "eds s"}});
  Turn();
  Apply(xds::kClusterType, {}, {"a"});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_TRUE((wanted_[{xds::kEndpointType, ""}]).empty());
  EXPECT_FALSE(store_->clusters().Has("a"));
  EXPECT_EQ(After(20 * base::kSecond), kNoBatch);
}

// http.PREFIX.rds.NAME.
TEST_F(ListenersAndRoutesTest, WhatComesOfRoutesIsCounted) {
  const auto stats = [this] {
    std::map<std::string, uint64_t> values;
    for (const stats::ScopeReading& scope : registry_.Read()) {
      if (scope.name.prefix() != "http..rds.r.") continue;
      for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
        values[std::string(scope.schema->stats[i].name)] = scope.total.values[i];
      }
    }
    values.erase("version");
    values.erase("version_text");
    return values;
  };
  using Values = std::map<std::string, uint64_t>;
  EXPECT_EQ(stats(), Values());
  Apply(xds::kListenerType, {{"l", "80 rds r"}});
  EXPECT_EQ(After(16 * base::kSecond), Words{"listener l"});
  Apply(xds::kRouteType, {{"r", "a"}, {"other", "a"}});
  Turn();
  EXPECT_EQ(stats(), (Values{{"config_reload", 1},
                             {"init_fetch_timeout", 1},
                             {"update_attempt", 1},
                             {"update_rejected", 0},
                             {"update_success", 1}}));
  Apply(xds::kRouteType, {{"r", "bad"}});
  xds::TypeUpdate again;
  again.type_url = xds::kRouteType;
  again.unchanged = 1;
  again.renewed = {"r"};
  store_->Apply("", again);
  Turn();
  EXPECT_EQ(stats(), (Values{{"config_reload", 1},
                             {"init_fetch_timeout", 1},
                             {"update_attempt", 3},
                             {"update_rejected", 1},
                             {"update_success", 2}}));
  Apply(xds::kListenerType, {}, {"l"});
  Turn();
  EXPECT_EQ(stats(), Values()) << "nobody asks for them any more";
}

}  // namespace
}  // namespace proxenos::server
