// Endpoints that are good for a while only: given up after it, kept by the same sent again.
#include <string>

#include "test/server/config_store_fixture.h"

namespace proxenos::server {
namespace {

using base::kSecond;

TEST_F(ConfigStoreTest, OldEndpointsAreGivenUp) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}, {"b", "eds service-b"}});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 stale:10"}, {"service-b", "10.0.0.2"}});
  Turn();
  EXPECT_EQ(After(9 * kSecond), kNoBatch);
  EXPECT_EQ(After(kSecond), Words{"hosts a/0"});
  EXPECT_EQ(After(60 * kSecond), kNoBatch);
  // What comes later is in force as ever, without an end where it says none.
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 10.0.0.3"}});
  EXPECT_EQ(Turn(), Words{"hosts a/2"});
  EXPECT_EQ(After(60 * kSecond), kNoBatch);
}

TEST_F(ConfigStoreTest, TheSameEndpointsSentAgainAreAsGoodAsNew) {
  Apply(xds::kClusterType, {{"a", "eds service-a"}});
  Apply(xds::kEndpointType, {{"service-a", "10.0.0.1 stale:10"}});
  EXPECT_EQ(Turn(), Words{"cluster a/1"});
  EXPECT_EQ(After(9 * kSecond), kNoBatch);
  Renew("service-a");
  EXPECT_EQ(After(9 * kSecond), kNoBatch);
  EXPECT_EQ(After(kSecond), Words{"hosts a/0"});
  Renew("service-a");
  EXPECT_EQ(Turn(), Words{"hosts a/1"});
  EXPECT_EQ(After(10 * kSecond), Words{"hosts a/0"});
}

TEST_F(ConfigStoreTest, AClusterThatComesLaterGivesThemUpAsWell) {
  Apply(xds::kClusterType, {{"a", "eds service"}});
  Apply(xds::kEndpointType, {{"service", "10.0.0.1 stale:10"}});
  Turn();
  EXPECT_EQ(After(5 * kSecond), kNoBatch);
  Apply(xds::kClusterType, {{"b", "eds service"}});
  EXPECT_EQ(Turn(), Words{"cluster b/1"});
  EXPECT_EQ(After(5 * kSecond), Words{"hosts a/0; hosts b/0"});
}

}  // namespace
}  // namespace proxenos::server
