// The real binary and control planes that mean harm, or do not know what they do, in both
// protocols: it goes on serving, keeps its memory, and takes what is good afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

class HostileTest : public ::testing::TestWithParam<bool> {
 protected:
  static bool delta() { return GetParam(); }

  void StartServing() {
    plane_.SetAny(kClusterType, "c0", {ClusterResource("one")});
    plane_.SetAny(kEndpointType, "e0", {EndpointsResource("one", {origin_.port()})});
    plane_.SetAny(kListenerType, "l0", {ListenerResource("main", port_, "routes", "s")});
    plane_.SetAny(kRouteType, "r0", {RoutesResource("routes", "one", "r0")});
    proxy_.emplace(AdsBootstrap(plane_.address(), delta() ? "DELTA_GRPC" : "GRPC"));
    ASSERT_EQ(Get().status(), 200);
  }
  Message Get() { return TestClient(port_).Get("/"); }

  // It serves, and a good update takes effect.
  void ExpectWell() {
    EXPECT_EQ(Get().status(), 200);
    const std::string next = absl::StrCat("well", ++updates_);
    plane_.SetAny(kRouteType, next, {RoutesResource("routes", "one", next)});
    EXPECT_TRUE(Eventually([this, &next] { return Get().Header("x-route-version") == next; }));
  }

  // A response of either protocol.
  void Send(const std::string& type, const std::string& nonce,
            const std::vector<google::protobuf::Any>& resources) {
    if (delta()) {
      FakeControlPlane::DeltaResponse response;
      response.set_type_url(type);
      response.set_nonce(nonce);
      response.set_system_version_info(nonce);
      for (const auto& resource : resources)
        *response.add_resources()->mutable_resource() = resource;
      plane_.SendResponse(response);
    } else {
      FakeControlPlane::Response response;
      response.set_type_url(type);
      response.set_nonce(nonce);
      response.set_version_info(nonce);
      for (const auto& resource : resources) *response.add_resources() = resource;
      plane_.SendResponse(response);
    }
  }
  size_t Resident() {
    const std::string memory = proxy_->AdminGet("/memory");
    const size_t at = memory.find("\"allocated\": \"");
    return at == std::string::npos ? 0 : std::stoul(memory.substr(at + 14));
  }

  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  const uint16_t port_ = ListenSocket().port();
  int updates_ = 0;
  std::optional<ProxyProcess> proxy_;
};

TEST_P(HostileTest, NoncesThatMakeNoSense) {
  StartServing();
  for (const char* nonce : {"", "twice", "twice", "\xc3\xa9", "0"}) {
    Send(kRouteType, nonce, {RoutesResource("routes", "one", "odd")});
  }
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "odd"; }));
  ExpectWell();
}

TEST_P(HostileTest, DuplicateMissingAndForeignNames) {
  StartServing();
  google::protobuf::Any nameless = RoutesResource("", "one", "x");
  Send(kRouteType, "names",
       {RoutesResource("routes", "one", "first"), RoutesResource("routes", "one", "second"),
        nameless, RoutesResource("nobody's", "one", "x"), ClusterResource("not a route")});
  const std::optional<std::string> reason = plane_.WaitForNack(kRouteType, "names");
  ASSERT_TRUE(reason);
  EXPECT_TRUE(absl::StrContains(*reason, "routes: is in the response more than once")) << *reason;
  EXPECT_TRUE(absl::StrContains(*reason, "resources[2]: name: must not be empty")) << *reason;
  EXPECT_TRUE(absl::StrContains(*reason, "resources[4]: type ")) << *reason;
  EXPECT_FALSE(absl::StrContains(*reason, "nobody's")) << "what was not asked for is passed over";
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "first"; }));
  ExpectWell();
}

TEST_P(HostileTest, TruncatedMessages) {
  StartServing();
  FakeControlPlane::Response whole;
  whole.set_type_url(kRouteType);
  whole.set_nonce("cut");
  *whole.add_resources() = RoutesResource("routes", "one", "cut");
  const std::string bytes = whole.SerializeAsString();
  for (size_t length = 1; length < bytes.size(); length += bytes.size() / 7) {
    const size_t streams = plane_.streams_ever();
    plane_.SendRaw(bytes.substr(0, length));
    plane_.SendRaw("\xff\xff\xff");  // No message at all: ends the stream in any case.
    ASSERT_TRUE(plane_.WaitForStreamsEver(streams + 1));
  }
  ExpectWell();
}

TEST_P(HostileTest, HugeMessage) {
  StartServing();
  const size_t streams = plane_.streams_ever();
  plane_.SendRaw(std::string(65u << 20, 'x'));
  ASSERT_TRUE(plane_.WaitForStreamsEver(streams + 1));
  ExpectWell();
}

TEST_P(HostileTest, Flood) {
  StartServing();
  const std::string filler(10'000, 'x');
  for (int i = 0; i < 5000; ++i) {
    Send(i % 2 == 0 ? kRouteType : kClusterType, absl::StrCat("flood", i),
         {RoutesResource(absl::StrCat("nobody's ", i), filler, "x")});
  }
  ExpectWell();
  EXPECT_LT(Resident(), 300u << 20);
}

// It accepts streams and never says a word; nor does a stream that is dropped at once.
TEST_P(HostileTest, SilenceDoesNotHoldTheStartForEver) {
  const std::string quick =
      R"({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0.2s"})";
  std::string bootstrap = AdsBootstrap(plane_.address(), delta() ? "DELTA_GRPC" : "GRPC");
  for (const char* field : {"lds_config: ", "cds_config: "}) {
    const size_t at = bootstrap.find(field) + strlen(field);
    bootstrap.replace(at, bootstrap.find('\n', at) - at, quick);
  }
  proxy_.emplace(bootstrap);  // Waits until it is ready.
  EXPECT_TRUE(
      absl::StrContains(proxy_->AdminGet("/stats"), "cluster_manager.cds.init_fetch_timeout: 1"));
  plane_.DropStreams();
  plane_.SetAny(kClusterType, "c0", {ClusterResource("one")});
  plane_.SetAny(kEndpointType, "e0", {EndpointsResource("one", {origin_.port()})});
  plane_.SetAny(kRouteType, "r0", {RoutesResource("routes", "one", "r0")});
  plane_.SetAny(kListenerType, "l0", {ListenerResource("main", port_, "routes", "s")});
  EXPECT_TRUE(Eventually([this] { return TestClient(port_).connected(); }));
  ExpectWell();
}

INSTANTIATE_TEST_SUITE_P(Protocols, HostileTest, ::testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Delta" : "Sotw"; });

}  // namespace
}  // namespace proxenos::testing
