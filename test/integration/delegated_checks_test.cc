// Delegated health checks (HDS) through the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/service/health/v3/hds.pb.h"
#include "test/integration/config_text.h"
#include "test/integration/report_server.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"

namespace proxenos::testing {
namespace {

using envoy::service::health::v3::EndpointHealthResponse;
using envoy::service::health::v3::HealthCheckRequestOrEndpointHealthResponse;
using envoy::service::health::v3::HealthCheckSpecifier;

class DelegatedChecksTest : public ::testing::Test {
 protected:
  void Start() {
    ConfigText text;
    text.clusters = absl::StrCat(ClusterText("origin", {origin_.port()}), ", ",
                                 ClusterText("hds", {server_.port()}, kHttp2));
    text.bootstrap = absl::StrCat(
        "node: {id: node-1, cluster: c}\nhds_config: {api_type: GRPC, transport_api_version: V3, "
        "grpc_services: [{envoy_grpc: {cluster_name: hds, ",
        kFastRetry, "}}]}");
    proxy_.emplace(Bootstrap(text));
    ASSERT_TRUE(proxy_->started());
    hello_ = server_.Next();
    ASSERT_TRUE(hello_.has_value());
  }

  static std::string EndpointText(uint16_t port) {
    return absl::StrCat("endpoints { address { socket_address { address: '127.0.0.1' port_value: ",
                        port, " } } } ");
  }
  static std::string HttpCheckText(const std::string& path) {
    return absl::StrCat(
        "health_checks { timeout { seconds: 10 } interval { nanos: 1 } unhealthy_threshold { value:"
        " 1 } healthy_threshold { value: 1 } http_health_check { path: '",
        path, "' } } ");
  }
  static std::string ClusterCheckText(const std::string& name, const std::string& checks,
                                      const std::string& endpoints) {
    return absl::StrCat("cluster_health_checks { cluster_name: '", name, "' ", checks,
                        "locality_endpoints { locality { zone: 'z' } ", endpoints, "} } ");
  }
  void Specify(const std::string& text) {
    server_.Send(FromText<HealthCheckSpecifier>(text + "interval { nanos: 100000000 }"));
  }

  // Waits for a report in which the endpoints have these states: "cluster/zone:port STATE".
  bool Reports(const std::vector<std::string>& wanted) {
    std::vector<std::string> last;
    const auto found = server_.NextWith([&](const auto& message) {
      last = StatesOf(message.endpoint_health_response());
      return last == wanted;
    });
    EXPECT_TRUE(found.has_value()) << "last: " << ::testing::PrintToString(last);
    return found.has_value();
  }
  static std::vector<std::string> StatesOf(const EndpointHealthResponse& response) {
    std::vector<std::string> states;
    for (const auto& cluster : response.cluster_endpoints_health()) {
      for (const auto& locality : cluster.locality_endpoints_health()) {
        for (const auto& each : locality.endpoints_health()) {
          states.push_back(
              absl::StrCat(cluster.cluster_name(), "/", locality.locality().zone(), ":",
                           each.endpoint().address().socket_address().port_value(), " ",
                           envoy::config::core::v3::HealthStatus_Name(each.health_status())));
        }
      }
    }
    EXPECT_EQ(static_cast<size_t>(response.endpoints_health_size()), states.size());
    return states;
  }
  static std::string State(const std::string& cluster, uint16_t port, const std::string& state) {
    return absl::StrCat(cluster, "/z:", port, " ", state);
  }

  FakeOrigin origin_;
  ReportServer<HealthCheckRequestOrEndpointHealthResponse> server_;
  std::optional<ProxyProcess> proxy_;
  std::optional<HealthCheckRequestOrEndpointHealthResponse> hello_;
};

TEST_F(DelegatedChecksTest, SaysWhatItCanAndWhatItFinds) {
  Start();
  EXPECT_EQ(server_.method(), "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck");
  const auto& request = hello_->health_check_request();
  EXPECT_EQ(request.node().id(), "node-1");
  EXPECT_THAT(request.capability().health_check_protocols(), ::testing::ElementsAre(0, 1));
  FakeOrigin sick;
  sick.On("/healthz", [](OriginExchange& exchange) { exchange.Reply(503); });
  Specify(ClusterCheckText("a", HttpCheckText("/healthz"),
                           EndpointText(origin_.port()) + EndpointText(sick.port())));
  EXPECT_TRUE(
      Reports({State("a", origin_.port(), "HEALTHY"), State("a", sick.port(), "UNHEALTHY")}));
  sick.On("/healthz", [](OriginExchange& exchange) { exchange.Reply(200); });
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY"), State("a", sick.port(), "HEALTHY")}));
  EXPECT_EQ(proxy_->Stat("hds_delegate.requests"), 1u);
  EXPECT_EQ(proxy_->Stat("hds_delegate.updates"), 1u);
  EXPECT_EQ(proxy_->Stat("hds_delegate.errors"), 0u);
  EXPECT_GE(proxy_->Stat("hds_delegate.responses"), 3u);
  EXPECT_GE(proxy_->Stat("cluster.a.health_check.success"), 2u);
}

TEST_F(DelegatedChecksTest, OtherEndpointsAndOtherChecks) {
  FakeOrigin second;
  second.On("/other", [](OriginExchange& exchange) { exchange.Reply(500); });
  Start();
  Specify(ClusterCheckText("a", HttpCheckText("/one"), EndpointText(origin_.port())));
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY")}));
  // One more endpoint: the check goes on.
  Specify(ClusterCheckText("a", HttpCheckText("/one"),
                           EndpointText(second.port()) + EndpointText(origin_.port())) +
          ClusterCheckText("b", HttpCheckText("/other"), EndpointText(second.port())));
  EXPECT_TRUE(Reports({State("a", second.port(), "HEALTHY"), State("a", origin_.port(), "HEALTHY"),
                       State("b", second.port(), "UNHEALTHY")}));
  // Two checks of one host: all must pass. A cluster that is not named goes.
  Specify(ClusterCheckText("a", HttpCheckText("/one") + HttpCheckText("/other"),
                           EndpointText(second.port())));
  EXPECT_TRUE(Reports({State("a", second.port(), "UNHEALTHY")}));
  EXPECT_EQ(proxy_->Stat("hds_delegate.updates"), 3u);
}

TEST_F(DelegatedChecksTest, ByTcp) {
  uint16_t closed = 0;
  {
    FakeOrigin gone;
    closed = gone.port();
  }
  Start();
  Specify(ClusterCheckText("t",
                           "health_checks { timeout { seconds: 10 } interval { seconds: 1 } "
                           "unhealthy_threshold { value: 1 } healthy_threshold { value: 1 } "
                           "tcp_health_check {} } ",
                           EndpointText(origin_.port()) + EndpointText(closed)));
  EXPECT_TRUE(Reports({State("t", origin_.port(), "HEALTHY"), State("t", closed, "UNHEALTHY")}));
}

TEST_F(DelegatedChecksTest, RefusesWholeAndGoesOn) {
  Start();
  const std::string good = ClusterCheckText("a", HttpCheckText("/"), EndpointText(origin_.port()));
  Specify(good);
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY")}));
  Specify(ClusterCheckText("b", HttpCheckText("/"), EndpointText(origin_.port())) +
          ClusterCheckText("c", "health_checks { timeout { seconds: 1 } } ", ""));
  ASSERT_TRUE(proxy_->WaitForStat("hds_delegate.errors", 1));
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY")}));
  EXPECT_EQ(proxy_->Stat("hds_delegate.updates"), 1u);
  // The stream ends: the checks go on, and reports once the service has spoken again.
  server_.Finish(absl::UnavailableError("restart"));
  const auto hello =
      server_.NextWith([](const auto& message) { return message.has_health_check_request(); });
  ASSERT_TRUE(hello.has_value());
  Specify(good);
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY")}));
  EXPECT_EQ(proxy_->Stat("hds_delegate.updates"), 1u) << "nothing new";
}

TEST_F(DelegatedChecksTest, HostileService) {
  Start();
  server_.SendBytes("\xff\xff\xff this is no proto");
  ASSERT_TRUE(proxy_->WaitForStat("hds_delegate.errors", 1));
  std::string endpoints;
  for (uint16_t port = 1; port <= 10001; ++port) endpoints += EndpointText(port);
  Specify(ClusterCheckText("many", HttpCheckText("/"), endpoints));
  ASSERT_TRUE(proxy_->WaitForStat("hds_delegate.errors", 2));
  server_.Send(FromText<HealthCheckSpecifier>("interval { seconds: -1 }"));
  ASSERT_TRUE(proxy_->WaitForStat("hds_delegate.errors", 3));
  EXPECT_EQ(proxy_->Stat("hds_delegate.updates"), 0u);
  Specify(ClusterCheckText("a", HttpCheckText("/"), EndpointText(origin_.port())));
  EXPECT_TRUE(Reports({State("a", origin_.port(), "HEALTHY")}));
}

}  // namespace
}  // namespace proxenos::testing
