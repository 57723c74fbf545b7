// The real binary: virtual hosts and clusters that are discovered when a request needs them, over
// the delta protocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "test/integration/config_text.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kHostType[] = "type.googleapis.com/envoy.config.route.v3.VirtualHost";

constexpr char kOdcdsOfPage[] = "odcds: {source: {ads: {}, resource_api_version: V3}, timeout: 5s}";

constexpr char kOdcds[] = "odcds: {source: {ads: {}, resource_api_version: V3}, timeout: 30s}";

// A route configuration with vhds, whose own host is `written`.
google::protobuf::Any Routes(absl::string_view more = "") {
  return ResourceFromJson(absl::StrCat(
      R"({"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "rc",
          "vhds": {"config_source": {"ads": {}, "resource_api_version": "V3",
                                     "initial_fetch_timeout": "0.05s"}},
          "virtual_hosts": [{"name": "written", "domains": ["written"], "routes": [
              {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body":
               {"inline_string": "written"}}}]}])",
      more, "}"));
}

google::protobuf::Any Host(absl::string_view domain, absl::string_view cluster = "origin") {
  return ResourceFromJson(absl::StrReplaceAll(
      R"({"@type": "type.googleapis.com/envoy.config.route.v3.VirtualHost", "name": "rc/DOMAIN",
          "domains": ["DOMAIN"], "routes": [{"match": {"prefix": "/"},
                                             "route": {"cluster": "CLUSTER"}}]})",
      {{"DOMAIN", domain}, {"CLUSTER", cluster}}));
}

class OnDemandTest : public ::testing::Test {
 protected:
  void Start(absl::string_view odcds = "", int concurrency = 2) {
    // Names the types, so that the linker keeps them.
    envoy::extensions::filters::http::on_demand::v3::OnDemand::descriptor();
    Set(kRouteType, {Routes()});
    proxy_.emplace(absl::StrReplaceAll(PageYaml("docs/filters/on_demand.md"),
                                       {{"127.0.0.1:18000", plane_.address()},
                                        {"8080", absl::StrCat(origin_.port())},
                                        {"port_value: 9901", "port_value: 0"},
                                        {"port_value: 10000", "port_value: 0"},
                                        {kOdcdsOfPage, odcds}}),
                   ProxyProcess::Options{.concurrency = concurrency});
    port_ = proxy_->WaitForListener("main");
  }
  void Set(const std::string& type, std::vector<google::protobuf::Any> resources) {
    plane_.SetAny(type, absl::StrCat("v", ++version_), std::move(resources));
  }
  Message Get(const std::string& host) { return TestClient(port_).Get("/", {{"host", host}}); }
  // Whether the control plane was asked for the name, or told that it is not wanted any more.
  bool WasAsked(const std::string& type, const std::string& name) {
    return Eventually([&] { return plane_.TimesSubscribed(type, name) > 0; });
  }
  // A request that has been sent and waits for its answer.
  std::unique_ptr<TestClient> Send(const std::string& host, absl::string_view body = "") {
    auto client = std::make_unique<TestClient>(port_);
    client->Send(TestClient::Text(body.empty() ? "GET" : "POST", "/", {{"host", host}}, body));
    return client;
  }

  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  uint16_t port_ = 0;
  int version_ = 0;
  std::optional<ProxyProcess> proxy_;
};

TEST_F(OnDemandTest, RequestWaitsForItsVirtualHost) {
  Start();
  EXPECT_EQ(Get("written").body, "written");
  // On both workers, several for one host, with and without a body.
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(Send("One.Test", i % 2 == 0 ? "" : "body"));
  ASSERT_TRUE(WasAsked(kHostType, "rc/one.test"));
  EXPECT_TRUE(proxy_->WaitForStat("http.main.on_demand.waiting", 12));
  Set(kHostType, {Host("one.test")});
  for (const auto& client : clients) EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(plane_.TimesSubscribed(kHostType, "rc/one.test"), 1u);
  EXPECT_EQ(Get("one.test:80").status(), 404) << "another authority";
  EXPECT_THAT(proxy_->AdminGet("/config_dump"), HasSubstr("rc/one.test"));
  EXPECT_EQ(proxy_->Stat("http.main.vhds.rc.config_reload"), 1u);
  // Updates of the host and of the configuration go on beside each other.
  Set(kRouteType,
      {Routes(R"(, "response_headers_to_add": [{"header": {"key": "x-new", "value": "1"}}])")});
  EXPECT_TRUE(Eventually([this] { return Get("one.test").Header("x-new") == "1"; }));
  Set(kHostType, {});
  EXPECT_TRUE(Eventually([this] { return Get("one.test").status() == 404; }));
}

TEST_F(OnDemandTest, ClientStatusShowsDiscoveredHosts) {
  Set(kHostType, {Host("one.test")});
  Start();
  EXPECT_EQ(Get("one.test").body, "origin");
  const auto client = Send("two.test");
  ASSERT_TRUE(WasAsked(kHostType, "rc/two.test"));
  google::protobuf::Any bad = ResourceFromJson(
      R"({"@type": "type.googleapis.com/envoy.config.route.v3.VirtualHost", "name": "rc/two.test",
          "domains": ["two.test"], "routes": [{"match": {"prefix": "/"}}]})");
  Set(kHostType, {Host("one.test"), bad});
  ASSERT_TRUE(plane_.WaitForNack(kHostType, absl::StrCat("v", version_)));
  TestClient admin(proxy_->admin_port());
  admin.Send(TestClient::Text("POST", "/v3/discovery:client_status", {}));
  const std::string status = admin.ReadResponse().body;
  const auto entry_of = [&status](absl::string_view name) {
    const size_t begin = status.find(
        absl::StrCat("\"type_url\": \"", kHostType, "\",\n     \"name\": \"", name, "\""));
    EXPECT_NE(begin, std::string::npos) << name;
    return status.substr(begin, status.find("\"type_url\"", begin + 1) - begin);
  };
  EXPECT_THAT(entry_of("rc/one.test"), HasSubstr("\"client_status\": \"ACKED\""));
  EXPECT_THAT(entry_of("rc/two.test"), HasSubstr("\"client_status\": \"NACKED\""));
}

TEST_F(OnDemandTest, HostThatDoesNotExistIsAnswered404) {
  Set(kHostType, {});
  Start();
  EXPECT_EQ(Get("none.test").status(), 404);
  EXPECT_EQ(Get("none.test").status(), 404);
  EXPECT_EQ(plane_.TimesSubscribed(kHostType, "rc/none.test"), 1u) << "one question for a while";
  EXPECT_EQ(Get("written").body, "written");
}

TEST_F(OnDemandTest, BadHostIsRefusedAndTheLastGoodOneKept) {
  Set(kHostType, {Host("one.test")});
  Start();
  EXPECT_EQ(Get("one.test").body, "origin");
  google::protobuf::Any bad = ResourceFromJson(
      R"({"@type": "type.googleapis.com/envoy.config.route.v3.VirtualHost", "name": "rc/one.test",
          "domains": ["one.test"], "routes": [{"match": {"prefix": "/"}}]})");
  Set(kHostType, {bad});
  const auto reason = plane_.WaitForNack(kHostType, absl::StrCat("v", version_));
  ASSERT_TRUE(reason);
  EXPECT_THAT(*reason, HasSubstr("rc/one.test: routes[0]: "));
  EXPECT_EQ(Get("one.test").body, "origin");
}

TEST_F(OnDemandTest, StreamsThatEndWhileTheyWait) {
  Start("", 1);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(Send("one.test"));
  ASSERT_TRUE(proxy_->WaitForStat("http.main.on_demand.waiting", 8));
  clients.resize(3);
  EXPECT_TRUE(Eventually([this] { return proxy_->Stat("http.main.on_demand.waiting") == 3u; }));
  Set(kHostType, {Host("one.test")});
  for (const auto& client : clients) EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(proxy_->Stat("http.main.on_demand.waiting"), 0u);
}

TEST_F(OnDemandTest, AliasAnswersForAHostOfAnotherName) {
  Start();
  auto client = Send("one.test");
  auto lost = Send("lost.test");
  ASSERT_TRUE(WasAsked(kHostType, "rc/one.test"));
  ASSERT_TRUE(WasAsked(kHostType, "rc/lost.test"));
  FakeControlPlane::DeltaResponse response;
  response.set_type_url(kHostType);
  response.set_nonce("by-hand");
  auto* resource = response.add_resources();
  resource->set_name("rc/any");
  resource->add_aliases("rc/one.test");
  *resource->mutable_resource() = Host("one.test");
  // What cannot be resolved comes without a body.
  resource = response.add_resources();
  resource->set_name("rc/cannot-resolve");
  resource->add_aliases("rc/lost.test");
  plane_.SendResponse(response);
  EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(lost->ReadResponse().status(), 404);
}

TEST_F(OnDemandTest, RequestWaitsForItsCluster) {
  Set(kHostType, {Host("one.test", "late"), Host("two.test", "never")});
  Start(kOdcds);
  auto client = Send("one.test", "body");
  ASSERT_TRUE(WasAsked(kClusterType, "late"));
  Set(kClusterType, {StaticClusterResource("late", origin_.port()),
                     StaticClusterResource("unasked", origin_.port())});
  EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(Get("one.test").body, "origin");
  EXPECT_EQ(Get("two.test").status(), 503) << "the control plane has none";
  EXPECT_EQ(plane_.TimesSubscribed(kClusterType, "late"), 1u);
  EXPECT_EQ(plane_.TimesSubscribed(kClusterType, "*"), 0u);
  const std::string clusters = proxy_->AdminGet("/clusters");
  EXPECT_THAT(clusters, HasSubstr("late::"));
  EXPECT_THAT(clusters, ::testing::Not(HasSubstr("unasked::")));
}

TEST_F(OnDemandTest, ClustersMayHaveAStreamOfTheirOwn) {
  Set(kHostType, {Host("one.test", "late")});
  Set(kClusterType, {StaticClusterResource("late", origin_.port())});
  Start(absl::StrCat("odcds: {source: ", OwnStream(plane_.address(), "DELTA_GRPC"), "}"));
  EXPECT_EQ(Get("one.test").body, "origin");
  EXPECT_EQ(proxy_->Stat("cluster_manager.odcds.update_success"), 1u);
}

TEST_F(OnDemandTest, ControlPlaneThatComesBackHearsWhatIsWaitedFor) {
  Start();
  auto client = Send("one.test");
  ASSERT_TRUE(WasAsked(kHostType, "rc/one.test"));
  plane_.Stop();
  Set(kHostType, {Host("one.test")});
  plane_.Restart();
  EXPECT_EQ(client->ReadResponse().body, "origin");
}

}  // namespace
}  // namespace proxenos::testing
