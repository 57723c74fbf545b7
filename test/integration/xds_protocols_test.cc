// The real binary driven in both protocols, over one stream for all types and over a stream for
// each: what arrives, changes, goes, is refused, and what survives a control plane that was away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/integration/load.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

struct Way {
  const char* name;
  const char* api_type;
  bool separate;  // A stream for each ConfigSource; else ADS.
};

class XdsProtocolsTest : public ::testing::TestWithParam<Way> {
 protected:
  XdsProtocolsTest()
      : source_(GetParam().separate ? OwnStream(plane_.address(), GetParam().api_type) : kOverAds) {
  }

  google::protobuf::Any Listener(absl::string_view server) {
    return ListenerResource("main", port_, "routes", server, source_);
  }
  google::protobuf::Any Cluster(absl::string_view name) {
    return ClusterResource(name, 5000, source_);
  }
  void SetWorld() {
    Set(kClusterType, {Cluster("one")});
    Set(kEndpointType, {EndpointsResource("one", {origin_.port()})});
    Set(kListenerType, {Listener("s0")});
    Set(kRouteType, {RoutesResource("routes", "one", "r0")});
  }
  std::string Set(const std::string& type, std::vector<google::protobuf::Any> resources) {
    const std::string version = absl::StrCat("v", ++version_);
    plane_.SetAny(type, version, std::move(resources));
    return version;
  }
  bool SetAndWait(const std::string& type, std::vector<google::protobuf::Any> resources) {
    return plane_.WaitForAck(type, Set(type, std::move(resources)));
  }
  void Start() {
    proxy_.emplace(GetParam().separate ? SourceBootstrap(source_)
                                       : AdsBootstrap(plane_.address(), GetParam().api_type),
                   ProxyProcess::Options{.concurrency = 2});
  }
  Message Get(absl::string_view target = "/") { return TestClient(port_).Get(target); }

  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  const std::string source_;
  const uint16_t port_ = ListenSocket().port();
  int version_ = 0;
  std::optional<ProxyProcess> proxy_;
};

TEST_P(XdsProtocolsTest, EachKindOfUpdateTakesEffect) {
  FakeOrigin other("other");
  SetWorld();
  Start();
  EXPECT_EQ(Get().body, "origin");
  ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", "one", "r1")}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "r1"; }));
  ASSERT_TRUE(SetAndWait(kEndpointType, {EndpointsResource("one", {other.port()})}));
  EXPECT_TRUE(Eventually([this] { return Get().body == "other"; }));
  Set(kEndpointType,
      {EndpointsResource("one", {other.port()}), EndpointsResource("two", {origin_.port()})});
  ASSERT_TRUE(SetAndWait(kClusterType, {Cluster("one"), Cluster("two")}));
  ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", "two", "r2")}));
  EXPECT_TRUE(Eventually([this] { return Get().body == "origin"; }));
  ASSERT_TRUE(SetAndWait(kClusterType, {Cluster("two")}));
  EXPECT_TRUE(Eventually([this] {
    return !absl::StrContains(proxy_->AdminGet("/clusters"), "one::default_priority");
  }));
  EXPECT_EQ(Get().body, "origin");
  ASSERT_TRUE(SetAndWait(kListenerType, {Listener("s1")}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("server") == "s1"; }));
  ASSERT_TRUE(SetAndWait(kListenerType, {}));
  EXPECT_TRUE(Eventually([this] { return !TestClient(port_).connected(); }));
}

TEST_P(XdsProtocolsTest, BadResourceRejectsItselfAlone) {
  SetWorld();
  Start();
  ASSERT_EQ(Get().status(), 200);
  const google::protobuf::Any bad = ResourceFromJson(
      R"({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "bad",)"
      R"( "connect_timeout": "-1s", "load_assignment": {"cluster_name": ""}})");
  const std::string version = Set(kClusterType, {Cluster("one"), bad, Cluster("good")});
  const std::optional<std::string> reason = plane_.WaitForNack(kClusterType, version);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("bad: "));
  EXPECT_THAT(*reason, HasSubstr("connect_timeout"));
  EXPECT_FALSE(absl::StrContains(*reason, "good: "));
  // The good one of the same response asks for its endpoints.
  ASSERT_TRUE(SetAndWait(kEndpointType, {EndpointsResource("one", {origin_.port()}),
                                         EndpointsResource("good", {origin_.port()})}));
  EXPECT_TRUE(Eventually([this] {
    return absl::StrContains(proxy_->AdminGet("/clusters"), "good::default_priority");
  }));
  EXPECT_EQ(Get().status(), 200);
  ASSERT_TRUE(SetAndWait(kClusterType, {Cluster("one"), Cluster("good"), Cluster("better")}));
}

TEST_P(XdsProtocolsTest, ControlPlaneThatComesBackIsAskedForTheDifference) {
  SetWorld();
  Start();
  ASSERT_EQ(Get().status(), 200);
  plane_.Stop();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get().status(), 200);
  Set(kRouteType, {RoutesResource("routes", "one", "after")});
  plane_.Restart();
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "after"; }));
  EXPECT_EQ(Get().status(), 200);
}

TEST_P(XdsProtocolsTest, UpdatesUnderLoadFailNoRequest) {
  SetWorld();
  Start();
  Load load(port_, {.clients = 4});
  std::string current = "one";
  for (int i = 0; i < 30; ++i) {
    // Make before break: the new cluster, the route to it, then the old one's end.
    const std::string next = absl::StrCat("cluster", i);
    Set(kEndpointType,
        {EndpointsResource(current, {origin_.port()}), EndpointsResource(next, {origin_.port()})});
    ASSERT_TRUE(SetAndWait(kClusterType, {Cluster(current), Cluster(next)}));
    ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", next, absl::StrCat("r", i))}));
    ASSERT_TRUE(SetAndWait(kClusterType, {Cluster(next)}));
    current = next;
    ASSERT_EQ(load.failed(), 0u) << "change " << i << ": " << load.first_failure();
  }
  EXPECT_TRUE(load.WaitForRequests(1000)) << load.first_failure();
  load.Stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
}

INSTANTIATE_TEST_SUITE_P(Ways, XdsProtocolsTest,
                         ::testing::Values(Way{"SotwAds", "GRPC", false},
                                           Way{"DeltaAds", "DELTA_GRPC", false},
                                           Way{"SotwStreams", "GRPC", true},
                                           Way{"DeltaStreams", "DELTA_GRPC", true},
                                           Way{"SotwShared", "AGGREGATED_GRPC", true},
                                           Way{"DeltaShared", "AGGREGATED_DELTA_GRPC", true}),
                         [](const auto& way) { return std::string(way.param.name); });

// What only delta can say.
class DeltaTest : public ::testing::Test {
 protected:
  void Start() {
    proxy_.emplace(AdsBootstrap(plane_.address(), "DELTA_GRPC"),
                   ProxyProcess::Options{.concurrency = 1});
  }
  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  const uint16_t port_ = ListenSocket().port();
  std::optional<ProxyProcess> proxy_;
};

// Without it, a listener whose routes do not exist would wait for the whole of its time.
TEST_F(DeltaTest, NobodyWaitsForWhatDoesNotExist) {
  plane_.SetAny(kClusterType, "c1", {ClusterResource("one")});
  plane_.SetAny(kEndpointType, "e1", {});
  plane_.SetAny(kListenerType, "l1", {ListenerResource("main", port_, "routes", "s")});
  plane_.SetAny(kRouteType, "r1", {});
  Start();
  EXPECT_EQ(TestClient(port_).Get("/").status(), 404);
  plane_.SetAny(kRouteType, "r2", {RoutesResource("routes", "one", "r2")});
  EXPECT_TRUE(Eventually([this] { return TestClient(port_).Get("/").status() == 503; }));
  plane_.SetAny(kEndpointType, "e2", {EndpointsResource("one", {origin_.port()})});
  EXPECT_TRUE(Eventually([this] { return TestClient(port_).Get("/").status() == 200; }));
}

TEST_F(DeltaTest, ComesBackWithWhatItHolds) {
  plane_.SetAny(kClusterType, "c1", {ClusterResource("one"), ClusterResource("two")});
  plane_.SetAny(
      kEndpointType, "e1",
      {EndpointsResource("one", {origin_.port()}), EndpointsResource("two", {origin_.port()})});
  plane_.SetAny(kListenerType, "l1", {});
  Start();
  plane_.DropStreams();
  ASSERT_TRUE(plane_.WaitForStreamsEver(2));
  EXPECT_TRUE(Eventually([this] {
    size_t held = 0;
    for (const char* type : {kClusterType, kEndpointType}) {
      const auto requests = plane_.delta_requests(type);
      for (const auto& request : requests) held += request.initial_resource_versions_size();
    }
    return held == 4;
  }));
}

}  // namespace
}  // namespace proxenos::testing
