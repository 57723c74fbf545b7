// The real binary driven by a control plane over gRPC: updates under load, warming, NACKs, and
// peers that are killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "test/integration/load.h"
#include "test/integration/xds_world.h"
#include "test/support/child_process.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

// A port that was free a moment ago: for listeners that must keep theirs across updates.
uint16_t FreePort() { return ListenSocket().port(); }

// The resource as of a sender that knows a newer API: it has a field of number 4095.
google::protobuf::Any WithUnknownField(google::protobuf::Any resource) {
  resource.mutable_value()->append("\xf8\xff\x01\x01");  // The tag of a varint, and 1.
  return resource;
}

class XdsTest : public ::testing::Test {
 protected:
  // Listener "main" on port_, its routes "routes" to cluster "one" with the origin's port.
  void SetWorld() {
    Set(kClusterType, {ClusterResource("one")});
    Set(kEndpointType, {EndpointsResource("one", {origin_.port()})});
    Set(kListenerType, {ListenerResource("main", port_, "routes", "s0")});
    Set(kRouteType, {RoutesResource("routes", "one", "r0")});
  }
  // Returns the version, which is new each time.
  std::string Set(const std::string& type, std::vector<google::protobuf::Any> resources) {
    const std::string version = absl::StrCat("v", ++version_);
    control_plane_.SetAny(type, version, std::move(resources));
    return version;
  }
  bool SetAndWait(const std::string& type, std::vector<google::protobuf::Any> resources) {
    return control_plane_.WaitForAck(type, Set(type, std::move(resources)));
  }
  void Start(int concurrency = 2) {
    proxy_.emplace(AdsBootstrap(control_plane_.address()),
                   ProxyProcess::Options{.concurrency = concurrency});
  }
  Message Get(absl::string_view target = "/") { return TestClient(port_).Get(target); }

  FakeOrigin origin_{"origin"};
  FakeControlPlane control_plane_;
  const uint16_t port_ = FreePort();
  int version_ = 0;
  std::optional<ProxyProcess> proxy_;
};

TEST_F(XdsTest, EverythingComesFromTheControlPlane) {
  SetWorld();
  Start();
  const Message response = Get();
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.body, "origin");
  EXPECT_EQ(response.Header("server"), "s0");
  EXPECT_EQ(response.Header("x-route-version"), "r0");
  for (const char* type : {kListenerType, kRouteType, kClusterType, kEndpointType}) {
    EXPECT_FALSE(control_plane_.requests(type).empty()) << type;
  }
  EXPECT_THAT(proxy_->AdminGet("/config_dump"), HasSubstr("\"x-route-version\""));
}

TEST_F(XdsTest, EachKindOfUpdateTakesEffect) {
  FakeOrigin other("other");
  SetWorld();
  Start();
  ASSERT_EQ(Get().status(), 200);
  ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", "one", "r1")}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "r1"; }));
  ASSERT_TRUE(SetAndWait(kEndpointType, {EndpointsResource("one", {other.port()})}));
  EXPECT_TRUE(Eventually([this] { return Get().body == "other"; }));
  ASSERT_TRUE(SetAndWait(kListenerType, {ListenerResource("main", port_, "routes", "s1")}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("server") == "s1"; }));
  ASSERT_TRUE(SetAndWait(kListenerType, {}));
  EXPECT_TRUE(Eventually([this] { return !TestClient(port_).connected(); }));
}

TEST_F(XdsTest, ListenerWaitsForItsRoutes) {
  Set(kClusterType, {ClusterResource("one")});
  Set(kEndpointType, {EndpointsResource("one", {origin_.port()})});
  Set(kListenerType, {ListenerResource("main", port_, "routes", "s0")});
  proxy_.emplace(AdsBootstrap(control_plane_.address()),
                 ProxyProcess::Options{.concurrency = 1, .wait_ready = false});
  ASSERT_FALSE(control_plane_.WaitForRequests(kRouteType, 1).empty());
  EXPECT_FALSE(TestClient(port_).connected());
  Set(kRouteType, {RoutesResource("routes", "one", "r0")});
  EXPECT_TRUE(Eventually([this] { return TestClient(port_).connected(); }));
  EXPECT_EQ(Get().body, "origin");
}

TEST_F(XdsTest, NackNamesWhatIsWrongAndChangesNothing) {
  SetWorld();
  Start();
  ASSERT_EQ(Get().status(), 200);
  const std::string bad_route = Set(
      kRouteType, {ResourceFromJson(R"({"@type": "type.googleapis.com/envoy.config.route.v3.)"
                                    R"(RouteConfiguration", "name": "routes", "virtual_hosts": )"
                                    R"([{"name": "", "domains": []}]})")});
  std::optional<std::string> reason = control_plane_.WaitForNack(kRouteType, bad_route);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("virtual_hosts[0].name"));
  EXPECT_THAT(*reason, HasSubstr("virtual_hosts[0].domains"));
  const std::string bad_cluster = Set(kClusterType, {ClusterResource("one"), ClusterResource("")});
  reason = control_plane_.WaitForNack(kClusterType, bad_cluster);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("name"));
  const std::string bad_listener = Set(
      kListenerType, {ResourceFromJson(R"({"@type": "type.googleapis.com/envoy.config.listener.v3.)"
                                       R"(Listener", "name": "main"})")});
  reason = control_plane_.WaitForNack(kListenerType, bad_listener);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("main"));
  const Message response = Get();
  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.Header("x-route-version"), "r0");
  EXPECT_EQ(response.Header("server"), "s0");
  // A good update after the bad ones is taken.
  ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", "one", "r9")}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "r9"; }));
}

// Ten thousand requests while everything changes two hundred times; none may fail.
TEST_F(XdsTest, FieldsWithoutANameHereAreIgnored) {
  SetWorld();
  Start();
  ASSERT_TRUE(SetAndWait(kRouteType, {WithUnknownField(RoutesResource("routes", "one", "r1"))}));
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "r1"; }));
}

TEST_F(XdsTest, FieldsWithoutANameHereAreRefusedOnRequest) {
  SetWorld();
  proxy_.emplace(AdsBootstrap(control_plane_.address()),
                 ProxyProcess::Options{.arguments = {"--reject-unknown-dynamic-fields"}});
  ASSERT_EQ(Get().status(), 200);
  const std::string newer =
      Set(kRouteType, {WithUnknownField(RoutesResource("routes", "one", "r1"))});
  const std::optional<std::string> reason = control_plane_.WaitForNack(kRouteType, newer);
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("field number 4095 is unknown"));
  EXPECT_EQ(Get().Header("x-route-version"), "r0");
}

TEST_F(XdsTest, UpdatesUnderLoadFailNoRequest) {
  FakeOrigin other("other");
  SetWorld();
  Start();
  Load load(port_, {.clients = 8});
  const std::vector<std::vector<uint16_t>> port_sets = {
      {origin_.port()}, {other.port()}, {origin_.port(), other.port()}};
  std::vector<google::protobuf::Any> clusters = {ClusterResource("one")};
  std::string current = "one";
  for (int i = 0; i < 200; ++i) {
    const std::vector<uint16_t>& ports = port_sets[i % port_sets.size()];
    if (i % 4 == 0) {
      const std::string server = absl::StrCat("s", i);
      ASSERT_TRUE(SetAndWait(kListenerType, {ListenerResource("main", port_, "routes", server)}));
    } else if (i % 4 == 1) {
      ASSERT_TRUE(
          SetAndWait(kRouteType, {RoutesResource("routes", current, absl::StrCat("r", i))}));
    } else if (i % 4 == 2) {
      ASSERT_TRUE(SetAndWait(kEndpointType, {EndpointsResource(current, ports)}));
    } else {
      // Make before break: the new cluster, the route to it, then the old one's end.
      const std::string next = absl::StrCat("cluster", i);
      Set(kEndpointType, {EndpointsResource(current, ports), EndpointsResource(next, ports)});
      ASSERT_TRUE(SetAndWait(kClusterType, {ClusterResource(current), ClusterResource(next)}));
      ASSERT_TRUE(SetAndWait(kRouteType, {RoutesResource("routes", next, absl::StrCat("r", i))}));
      ASSERT_TRUE(SetAndWait(kClusterType, {ClusterResource(next)}));
      current = next;
    }
    ASSERT_EQ(load.failed(), 0u) << "change " << i << ": " << load.first_failure();
  }
  EXPECT_TRUE(load.WaitForRequests(10000)) << load.first_failure();
  load.Stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
  EXPECT_GE(load.answered(), 10000u);
}

TEST_F(XdsTest, ControlPlaneThatComesBackIsAskedAgain) {
  SetWorld();
  Start();
  ASSERT_EQ(Get().status(), 200);
  control_plane_.Stop();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get().status(), 200);
  Set(kRouteType, {RoutesResource("routes", "one", "after")});
  control_plane_.Restart();
  EXPECT_TRUE(Eventually([this] { return Get().Header("x-route-version") == "after"; }));
}

// The bundled control plane as a process of its own, killed without a word under load.
class KilledPeersTest : public ::testing::Test {
 protected:
  void WriteWorld(uint16_t origin_port, const std::string& version) {
    Write("listeners.json", ListenerResource("main", port_, "routes", "s"), kListenerType);
    Write("routes.json", RoutesResource("routes", "one", version), kRouteType);
    Write("clusters.json", ClusterResource("one"), kClusterType);
    Write("endpoints.json", EndpointsResource("one", {origin_port}), kEndpointType);
  }
  // A file that is replaced at once, as real writers do.
  void Write(const std::string& name, const google::protobuf::Any& resource,
             const std::string& type) {
    envoy::service::discovery::v3::DiscoveryResponse response;
    response.set_type_url(type);
    *response.add_resources() = resource;
    const std::string path = folder_ + "/" + name;
    std::ofstream(path + ".new~") << response.SerializeAsString();
    ASSERT_EQ(rename((path + ".new~").c_str(), (path.substr(0, path.rfind('.')) + ".pb").c_str()),
              0);
  }
  static std::string MakeFolder() {
    std::string folder = ::testing::TempDir() + "/world.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    return folder;
  }
  static uint16_t PortIn(const std::string& line) {
    return static_cast<uint16_t>(std::atoi(line.substr(line.rfind(':') + 1).c_str()));
  }
  void StartControlPlane(uint16_t port) {
    control_plane_.emplace("tools/xds_server/xds-server",
                           std::vector<std::string>{folder_, "--port", absl::StrCat(port)});
  }

  const std::string folder_ = MakeFolder();
  const uint16_t port_ = FreePort();
  std::optional<ChildProcess> control_plane_;
};

TEST_F(KilledPeersTest, ControlPlaneKilledUnderLoad) {
  FakeOrigin origin;
  WriteWorld(origin.port(), "one");
  StartControlPlane(0);
  const uint16_t control_port = PortIn(control_plane_->WaitForFirstLine());
  ASSERT_NE(control_port, 0);
  ProxyProcess proxy(AdsBootstrap(absl::StrCat("127.0.0.1:", control_port)),
                     ProxyProcess::Options{.concurrency = 2});
  Load load(port_, {.clients = 4});
  ASSERT_TRUE(load.WaitForRequests(200)) << load.first_failure();
  control_plane_->Kill();
  ASSERT_TRUE(load.WaitForRequests(load.answered() + 500)) << load.first_failure();
  WriteWorld(origin.port(), "two");
  StartControlPlane(control_port);
  EXPECT_TRUE(
      Eventually([this] { return TestClient(port_).Get("/").Header("x-route-version") == "two"; }));
  load.Stop();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
}

// An origin that is killed while it serves: what it had answered stays whole, others are tried, and
// the process lives.
TEST_F(KilledPeersTest, OriginKilled) {
  std::optional<ChildProcess> victim;
  victim.emplace("test/support/origin", std::vector<std::string>{"victim"});
  const uint16_t victim_port = PortIn(":" + victim->WaitForFirstLine());
  ASSERT_NE(victim_port, 0);
  FakeControlPlane control_plane;
  FakeOrigin survivor("survivor");
  control_plane.SetAny(kClusterType, "1", {ClusterResource("one")});
  control_plane.SetAny(kEndpointType, "1", {EndpointsResource("one", {victim_port})});
  control_plane.SetAny(kListenerType, "1", {ListenerResource("main", port_, "routes", "s")});
  control_plane.SetAny(kRouteType, "1", {RoutesResource("routes", "one", "1")});
  ProxyProcess proxy(AdsBootstrap(control_plane.address()));
  ASSERT_EQ(TestClient(port_).Get("/").body, "victim");
  victim->Kill();
  EXPECT_EQ(TestClient(port_).Get("/").status(), 503);
  control_plane.SetAny(kEndpointType, "2", {EndpointsResource("one", {survivor.port()})});
  EXPECT_TRUE(Eventually([this] { return TestClient(port_).Get("/").body == "survivor"; }));
  EXPECT_EQ(proxy.Terminate(), 0);
}

}  // namespace
}  // namespace proxenos::testing
