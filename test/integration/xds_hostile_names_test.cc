// The real binary and control planes that lie about names of the form xdstp://: members of
// collections that are none, and resources that another server is asked for. What was asked for is
// taken, nothing else, and it goes on serving.
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

constexpr char kClusters[] = "xdstp://mesh.test/envoy.config.cluster.v3.Cluster/";

class HostileNamesTest : public ::testing::Test {
 protected:
  static std::string Cluster(absl::string_view id) { return absl::StrCat(kClusters, id); }

  // Serves over the cluster "edge/one" of the collection "edge/*".
  void StartServing(absl::string_view more = "") {
    plane_.SetAny(kClusterType, "c0", {StaticClusterResource(Cluster("edge/one"), origin_.port())});
    plane_.SetAny(kListenerType, "l0", {ListenerResource("main", port_, "routes", "s")});
    plane_.SetAny(kRouteType, "r0", {RoutesResource("routes", Cluster("edge/one"), "r0")});
    proxy_.emplace(absl::StrCat(AdsBootstrap(plane_.address(), "DELTA_GRPC"),
                                "  cds_resources_locator: ", Cluster("edge/*"), "\n", more));
    ASSERT_EQ(Get().status(), 200);
  }
  Message Get() { return TestClient(port_).Get("/"); }

  FakeControlPlane::DeltaResponse Response(const std::string& nonce,
                                           const std::vector<std::string>& names) {
    FakeControlPlane::DeltaResponse response;
    response.set_type_url(kClusterType);
    response.set_nonce(nonce);
    response.set_system_version_info(nonce);
    for (const std::string& name : names) {
      *response.add_resources()->mutable_resource() = StaticClusterResource(name, origin_.port());
    }
    return response;
  }
  bool Has(absl::string_view cluster) {
    return absl::StrContains(proxy_->AdminGet("/clusters"), absl::StrCat(cluster, "::"));
  }
  // It serves, and takes a member that is one.
  void ExpectWell() {
    EXPECT_EQ(Get().status(), 200);
    plane_.SendResponse(Response("well", {Cluster("edge/well")}));
    EXPECT_TRUE(Eventually([this] { return Has(Cluster("edge/well")); }));
    EXPECT_EQ(Get().status(), 200);
  }

  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  const uint16_t port_ = ListenSocket().port();
  std::optional<ProxyProcess> proxy_;
};

TEST_F(HostileNamesTest, WhatIsNoMemberIsPassedOver) {
  StartServing();
  const std::vector<std::string> strangers = {
      Cluster("edge/*"),
      Cluster("edge/%2A"),
      Cluster("other/x"),
      Cluster("edge/deep/x"),
      Cluster("edge/x?a=b"),
      "xdstp://evil.test/envoy.config.cluster.v3.Cluster/edge/x",
      "xdstp://mesh.test/envoy.config.listener.v3.Listener/edge/x",
      Cluster("edge/x#entry=1"),
      "xdstp:edge/x",
      "plain"};
  plane_.SendResponse(Response("strangers", strangers));
  EXPECT_TRUE(plane_.WaitForAck(kClusterType, "strangers"));
  for (const std::string& name : strangers) EXPECT_FALSE(Has(name)) << name;
  ExpectWell();
}

TEST_F(HostileNamesTest, FloodOfStrangers) {
  StartServing();
  for (int i = 0; i < 50; ++i) {
    std::vector<std::string> names;
    for (int j = 0; j < 200; ++j) names.push_back(Cluster(absl::StrCat("other/", i, "/", j)));
    names.push_back(Cluster(absl::StrCat("edge/", std::string(5000, 'x'))));  // Too long.
    plane_.SendResponse(Response(absl::StrCat("flood", i), names));
  }
  EXPECT_TRUE(plane_.WaitForNack(kClusterType, "flood49"));
  EXPECT_TRUE(absl::StrContains(proxy_->AdminGet("/stats?filter=^cluster_manager.active_clusters"),
                                ": 1\n"));
  ExpectWell();
}

// One that was asked for endpoints of its authority sends those of another's cluster.
TEST_F(HostileNamesTest, AServerSpeaksForItsAuthorityAlone) {
  FakeControlPlane elsewhere;
  const std::string own = "xdstp://elsewhere.test/envoy.config.endpoint.v3.ClusterLoadAssignment/a";
  StartServing(absl::StrReplaceAll(R"(
config_sources:
- authorities: [{name: elsewhere.test}]
  resource_api_version: V3
  api_config_source:
    api_type: AGGREGATED_DELTA_GRPC
    transport_api_version: V3
    grpc_services: [{google_grpc: {target_uri: "ADDRESS", stat_prefix: elsewhere}}]
)",
                                   {{"ADDRESS", elsewhere.address()}}));
  elsewhere.SetAny(kEndpointType, "e0", {EndpointsResource(own, {origin_.port()})});
  FakeControlPlane::DeltaResponse clusters = Response("clusters", {});
  for (const auto& [id, service] : {std::pair("edge/a", own), {"edge/b", std::string("plain")}}) {
    *clusters.add_resources()->mutable_resource() = ResourceFromJson(absl::StrCat(
        R"({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "type": "EDS",
            "name": ")",
        Cluster(id), R"(", "eds_cluster_config": {"service_name": ")", service,
        R"(", "eds_config": )", kOverAds, "}}"));
  }
  plane_.SendResponse(clusters);
  const std::string host = absl::StrCat("::127.0.0.1:", origin_.port(), "::");
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(proxy_->AdminGet("/clusters"), Cluster("edge/a") + host); }));
  FakeControlPlane::DeltaResponse stolen;
  stolen.set_type_url(kEndpointType);
  stolen.set_nonce("stolen");
  stolen.set_system_version_info("stolen");
  *stolen.add_resources()->mutable_resource() = EndpointsResource("plain", {origin_.port()});
  elsewhere.SendResponse(stolen);
  EXPECT_TRUE(elsewhere.WaitForAck(kEndpointType, "stolen"));
  EXPECT_FALSE(absl::StrContains(proxy_->AdminGet("/clusters"), Cluster("edge/b") + host));
  // From whom it was asked for it is taken.
  plane_.SetAny(kEndpointType, "e1", {EndpointsResource("plain", {origin_.port()})});
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(proxy_->AdminGet("/clusters"), Cluster("edge/b") + host); }));
  ExpectWell();
}

}  // namespace
}  // namespace proxenos::testing
