// Clusters of what is named by its address: when they come, when they go, and who sees them.
#include <string>

#include "source/rpc/own_target.h"
#include "test/server/config_store_fixture.h"

namespace proxenos::server {
namespace {

class OwnClustersTest : public ConfigStoreTest {
 protected:
  static rpc::OwnTargetPtr Name(const std::string& key, const std::string& words) {
    return rpc::OwnTargets::OfProcess().Name("test", key, [&words](const std::string& cluster) {
      return Named(cluster, absl::StrCat(cluster, " ", words));
    });
  }
  int Listed() const {
    int listed = 0;
    store_->clusters().ForEach([&listed](const ResourceView&) { ++listed; });
    store_->clusters().ForEachActive([&listed](const ClusterView&) { ++listed; });
    return listed;
  }
};

TEST_F(OwnClustersTest, ComeBeforeWhoCallsThemAndAreListedNowhere) {
  const rpc::OwnTargetPtr target = Name("a", "static 10.0.0.1");
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  EXPECT_EQ(Turn(), Words{absl::StrCat("cluster ", target->cluster, "/1; listener main")});
  EXPECT_EQ(Listed(), 0);
  EXPECT_EQ(store_->clusters().active_count(), 0u);
  EXPECT_EQ(store_->clusters().counts().added, 0u);
}

TEST_F(OwnClustersTest, ListenerWaitsForTheFirstLookUp) {
  rpc::OwnTargetPtr target;
  on_listener_ = [&target] { target = Name("a", "dns"); };
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  EXPECT_EQ(Turn(), kNoBatch);
  on_listener_ = nullptr;
  Apply(xds::kListenerType, {{"other", "3 inline"}});
  EXPECT_EQ(Turn(), Words{"listener other"});  // It names none.
  resolver_.Answer("name.test", {"10.0.0.1"});
  EXPECT_EQ(Turn(), Words{absl::StrCat("cluster ", target->cluster, "/1; listener main")});
}

TEST_F(OwnClustersTest, ListenerWaitsForALookUpThatFailsAndNotForEver) {
  rpc::OwnTargetPtr target;
  on_listener_ = [&target] { target = Name("a", "dns"); };
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  EXPECT_EQ(Turn(), kNoBatch);
  resolver_.Fail("name.test");
  EXPECT_EQ(Turn(), Words{absl::StrCat("cluster ", target->cluster, "/0; listener main")});
  rpc::OwnTargetPtr other;
  on_listener_ = [&other] { other = Name("b", "dns"); };
  Apply(xds::kListenerType, {{"slow", "3 inline"}});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_EQ(After(16 * base::kSecond), Words{"listener slow"});
}

// Overrides of filters in routes name servers, too.
TEST_F(OwnClustersTest, RoutesWaitForTheFirstLookUpAndNotForEver) {
  Apply(xds::kListenerType, {{"main", "2 rds r"}});
  EXPECT_EQ(Turn(), kNoBatch);
  rpc::OwnTargetPtr target;
  on_routes_ = [&target] { target = Name("a", "dns"); };
  Apply(xds::kRouteType, {{"r", ""}});
  EXPECT_EQ(Turn(), kNoBatch);
  resolver_.Answer("name.test", {"10.0.0.1"});
  EXPECT_EQ(Turn(),
            Words{absl::StrCat("cluster ", target->cluster, "/1; routes r->; listener main")});
  rpc::OwnTargetPtr other;
  on_routes_ = [&other] { other = Name("b", "dns"); };
  Apply(xds::kRouteType, {{"r", "unheard-of"}});
  EXPECT_EQ(Turn(), kNoBatch) << "those in force go on";
  EXPECT_EQ(After(16 * base::kSecond), Words{"routes r->unheard-of"});
}

TEST_F(OwnClustersTest, GoWhenNobodyHoldsThem) {
  rpc::OwnTargetPtr target = Name("a", "static 10.0.0.1");
  const std::string cluster = target->cluster;
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  Turn();
  rpc::OwnTargetPtr again = Name("a", "static 10.0.0.1");
  EXPECT_EQ(again, target);
  target.reset();
  Apply(xds::kListenerType, {{"other", "3 inline"}});
  EXPECT_EQ(Turn(), Words{"listener other"});
  again.reset();
  Apply(xds::kListenerType, {{"third", "4 inline"}});
  EXPECT_EQ(Turn(), Words{absl::StrCat("listener third; -cluster ", cluster)});
  EXPECT_EQ(store_->clusters().counts().removed, 0u);
}

TEST_F(OwnClustersTest, WhatWasRefusedLeavesNone) {
  Name("refused", "static 10.0.0.1").reset();
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  EXPECT_EQ(Turn(), Words{"listener main"});
}

TEST_F(OwnClustersTest, DiscoveryCannotTouchThem) {
  const rpc::OwnTargetPtr target = Name("a", "static 10.0.0.1");
  Apply(xds::kListenerType, {{"main", "2 inline"}});
  Turn();
  EXPECT_EQ(Apply(xds::kClusterType, {{target->cluster, "static 10.0.0.9"}}).size(), 1u);
  Apply(xds::kClusterType, {}, {target->cluster});
  EXPECT_EQ(Turn(), kNoBatch);
  EXPECT_TRUE(store_->clusters().Has(target->cluster));
}

}  // namespace
}  // namespace proxenos::server
