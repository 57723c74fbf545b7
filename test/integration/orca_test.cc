// What the load of hosts changes, through the real binary: weights by their own reports, slow
// starts, and dropped overload.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/integration/config_text.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/socket.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

constexpr char kPolicies[] = "type.googleapis.com/envoy.extensions.load_balancing_policies.";

class OrcaTest : public ::testing::Test {
 protected:
  // Hosts that report so many requests a second, at the same utilization.
  void MakeOrigins(const std::vector<std::string>& reports) {
    for (const std::string& report : reports) {
      auto origin = std::make_unique<FakeOrigin>(absl::StrCat(origins_.size()));
      const std::string name = absl::StrCat(origins_.size());
      origin->On("/", [report, name](OriginExchange& exchange) {
        exchange.Reply(200, {{"endpoint-load-metrics", report}}, name);
      });
      origin->On("/trailers", [report, name](OriginExchange& exchange) {
        exchange.ReplyChunked(200, {}, {name}, {{"endpoint-load-metrics", report}});
      });
      origins_.push_back(std::move(origin));
    }
  }
  std::vector<uint16_t> Ports() const {
    std::vector<uint16_t> ports;
    for (const auto& each : origins_) ports.push_back(each->port());
    return ports;
  }
  void Start(const std::string& bootstrap) {
    ProxyProcess::Options options;
    options.concurrency = 1;
    proxy_.emplace(bootstrap, options);
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  void StartCluster(const std::string& cluster, const std::string& more = "") {
    ConfigText text;
    text.clusters = cluster;
    text.bootstrap = more;
    Start(Bootstrap(text));
  }
  static std::string ByReports(const std::string& fields) {
    return absl::StrCat(
        "load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: "
        "{\"@type\": ",
        kPolicies, "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin, ", fields,
        "}}}]}");
  }
  // How many of `requests` each host answered.
  std::vector<int> Count(const std::string& target, int requests) {
    std::vector<int> count(origins_.size());
    TestClient client(port_);
    for (int i = 0; i < requests; ++i) {
      const Message response = client.Get(target);
      EXPECT_EQ(response.status(), 200);
      if (response.status() == 200) ++count[static_cast<size_t>(std::stoi(response.body))];
    }
    return count;
  }
  // Whether host 0 gets most of the requests before patience ends.
  bool BecomesFavourite(const std::string& target) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
    while (std::chrono::steady_clock::now() < end) {
      if (Count(target, 60)[0] > 40) return true;
    }
    return false;
  }

  std::vector<std::unique_ptr<FakeOrigin>> origins_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(OrcaTest, WeightsFollowReports) {
  MakeOrigins({"TEXT rps_fractional=1000,cpu_utilization=0.5",
               "JSON {\"rps_fractional\": 100, \"cpu_utilization\": 0.5}",
               "TEXT rps_fractional=100,cpu_utilization=0.1,named_metrics.queue=0.5"});
  StartCluster(
      ClusterText("origin", Ports(),
                  ByReports("blackout_period: 0s, weight_update_period: 0.1s, "
                            "metric_names_for_computing_utilization: [named_metrics.queue]")));
  EXPECT_TRUE(BecomesFavourite("/"));
  const std::vector<int> count = Count("/", 240);
  EXPECT_NEAR(count[0], 200, 20);
  EXPECT_NEAR(count[1], 20, 15);
  EXPECT_NEAR(count[2], 20, 15);
}

TEST_F(OrcaTest, ReportsInTrailers) {
  MakeOrigins({"TEXT rps_fractional=1000,cpu_utilization=0.5",
               "TEXT rps_fractional=100,cpu_utilization=0.5"});
  StartCluster(
      ClusterText("origin", Ports(),
                  absl::StrCat(ByReports("blackout_period: 0s, weight_update_period: 0.1s"),
                               ", http_protocol_options: {enable_trailers: true}")));
  EXPECT_TRUE(BecomesFavourite("/trailers"));
}

TEST_F(OrcaTest, EqualWhileReportsDoNotCount) {
  MakeOrigins({"TEXT rps_fractional=1000,cpu_utilization=0.5",
               "TEXT rps_fractional=100,cpu_utilization=0.5", "no report at all"});
  StartCluster(ClusterText("origin", Ports(), ByReports("blackout_period: 3600s")));
  EXPECT_EQ(Count("/", 60), (std::vector<int>{20, 20, 20}));
}

// As all of them have but begun, each has the same little weight.
TEST_F(OrcaTest, HostsThatStartTogetherAreEqual) {
  MakeOrigins({"", "", ""});
  FakeControlPlane plane;
  port_ = ListenSocket().port();
  plane.SetAny(kClusterType, "c1",
               {ResourceFromJson(absl::StrReplaceAll(
                   R"({"@type": "TYPE", "name": "origin", "type": "EDS",
          "eds_cluster_config": {"eds_config": SOURCE},
          "round_robin_lb_config": {"slow_start_config": {"slow_start_window": "36000s"}}})",
                   {{"TYPE", kClusterType}, {"SOURCE", kOverAds}}))});
  plane.SetAny(kEndpointType, "e1", {EndpointsResource("origin", {Ports()[0], Ports()[1]})});
  plane.SetAny(kListenerType, "l1", {ListenerResource("main", port_, "routes", "s")});
  plane.SetAny(kRouteType, "r1", {RoutesResource("routes", "origin", "r1")});
  proxy_.emplace(AdsBootstrap(plane.address()), ProxyProcess::Options{.concurrency = 1});
  EXPECT_EQ(Count("/", 40), (std::vector<int>{20, 20, 0}));
  plane.SetAny(kEndpointType, "e2", {EndpointsResource("origin", Ports())});
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.membership_total", 3));
  EXPECT_TRUE(Eventually([this] { return Count("/", 60) == std::vector<int>{20, 20, 20}; }));
}

// drop_overloads in a cluster's own endpoints.
std::string Dropping(const std::vector<uint16_t>& ports, const std::string& percentage) {
  return absl::StrReplaceAll(
      ClusterText("origin", ports),
      {{"load_assignment: {",
        absl::StrCat(
            "load_assignment: {policy: {drop_overloads: [{category: lb, drop_percentage: {",
            percentage, "}}]}, ")}});
}

TEST_F(OrcaTest, AllIsDropped) {
  MakeOrigins({""});
  StartCluster(Dropping(Ports(), "numerator: 100"));
  const Message response = TestClient(port_).Get("/");
  EXPECT_EQ(response.status(), 503);
  EXPECT_EQ(response.body, "unconditional drop overload");
  EXPECT_EQ(response.Header("x-envoy-unconditional-drop-overload"), "true");
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_drop_overload"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_503"), 1u);
  EXPECT_EQ(origins_[0]->request_count(), 0u);
}

TEST_F(OrcaTest, SomeAreDropped) {
  MakeOrigins({""});
  StartCluster(Dropping(Ports(), "numerator: 500000, denominator: MILLION"));
  TestClient client(port_);
  int dropped = 0;
  for (int i = 0; i < 200; ++i) {
    const Message response = client.Get("/");
    if (response.status() != 503) continue;
    ++dropped;
    EXPECT_EQ(response.body, "drop overload");
    EXPECT_EQ(response.Header("x-envoy-drop-overload"), "true");
  }
  EXPECT_GT(dropped, 50);
  EXPECT_LT(dropped, 150);
}

TEST_F(OrcaTest, TheRuntimeLimitsWhatIsDropped) {
  MakeOrigins({""});
  StartCluster(Dropping(Ports(), "numerator: 100"),
               "layered_runtime: {layers: [{name: s, static_layer: "
               "{load_balancing_policy.drop_overload_limit: 0}}]}");
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
}

// The configuration of the page, as it stands but for its ports.
TEST_F(OrcaTest, ThePageIsTrue) {
  MakeOrigins({"TEXT rps_fractional=1000,cpu_utilization=0.5",
               "TEXT rps_fractional=100,cpu_utilization=0.5"});
  std::ifstream file("docs/orca.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const size_t begin = text.find("```yaml\n") + 8;
  Start(absl::StrReplaceAll(text.substr(begin, text.find("```", begin) - begin),
                            {{"port_value: 10000", "port_value: 0"},
                             {"port_value: 9901", "port_value: 0"},
                             {"port_value: 8081", absl::StrCat("port_value: ", Ports()[0])},
                             {"port_value: 8082", absl::StrCat("port_value: ", Ports()[1])}}));
  EXPECT_EQ(Count("/", 20), (std::vector<int>{10, 10}));
}

}  // namespace
}  // namespace proxenos::testing
