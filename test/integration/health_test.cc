// Hosts that are checked, and hosts that are judged by what they answer, through the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

std::string Checks(const std::string& more = "") {
  return absl::StrCat(
      "common_lb_config: {healthy_panic_threshold: {value: 0}}, health_checks: [{timeout: 1s, "
      "interval: 0.05s, no_traffic_interval: 0.05s, unhealthy_threshold: 2, healthy_threshold: 1, "
      "http_health_check: {path: /healthz}",
      more, "}]");
}

class HealthTest : public ::testing::Test {
 protected:
  // An origin whose checks fail while `good` is false.
  struct Origin {
    explicit Origin(const std::string& name) : server(name) {
      server.On("/healthz", [this](OriginExchange& exchange) {
        exchange.Reply(good ? 200 : 503, degraded ? Fields{{"x-envoy-degraded", ""}} : Fields{});
      });
      server.On("/", [this](OriginExchange& exchange) {
        exchange.Reply(status, fields, name_of(exchange));
      });
    }
    std::string name_of(OriginExchange&) { return absl::StrCat(server.port()); }
    std::atomic<bool> good{true};
    std::atomic<bool> degraded{false};
    std::atomic<int> status{200};
    Fields fields;
    FakeOrigin server;
  };

  void Start(const std::string& cluster, const std::string& bootstrap = "") {
    ConfigText text;
    text.clusters = cluster;
    text.bootstrap = bootstrap;
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get() { return TestClient(port_).Get("/"); }
  // Whether of some requests all go to this origin.
  bool AllGoTo(const Origin& origin) {
    for (int i = 0; i < 6; ++i) {
      const Message answer = Get();
      if (answer.status() != 200 || answer.body != absl::StrCat(origin.server.port())) return false;
    }
    return true;
  }
  uint64_t Stat(const std::string& name) {
    return proxy_->Stat(absl::StrCat("cluster.origin.", name)).value_or(99999);
  }

  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(HealthTest, NoRequestIsSentToAHostThatFailsFromTheBeginning) {
  Origin a("a");
  Origin b("b");
  b.good = false;
  Start(ClusterText("origin", {a.server.port(), b.server.port()}, Checks()));
  EXPECT_TRUE(AllGoTo(a));  // From the very first request.
  EXPECT_EQ(Stat("membership_total"), 2u);
  EXPECT_EQ(Stat("membership_healthy"), 1u);
  EXPECT_EQ(Stat("health_check.healthy"), 1u);
  EXPECT_THAT(proxy_->AdminGet("/clusters"),
              HasSubstr(absl::StrCat("origin::127.0.0.1:", b.server.port(),
                                     "::health_flags::/failed_active_hc\n")));
  b.good = true;
  a.good = false;
  EXPECT_TRUE(Eventually([&] { return AllGoTo(b); }));
}

TEST_F(HealthTest, AHostThatDiesAndOneThatIsNeverThere) {
  Origin a("a");
  auto b = std::make_unique<Origin>("b");
  const ClosedPort closed;
  Start(ClusterText("origin", {a.server.port(), b->server.port(), closed.port()}, Checks()));
  EXPECT_EQ(Stat("membership_healthy"), 2u);
  b.reset();
  EXPECT_TRUE(Eventually([&] { return Stat("membership_healthy") == 1; }));
  EXPECT_TRUE(AllGoTo(a));
  EXPECT_GE(Stat("health_check.network_failure"), 3u);
}

TEST_F(HealthTest, DegradedHostsServeWhenTheOthersAreGone) {
  Origin a("a");
  Origin b("b");
  b.degraded = true;
  Start(ClusterText("origin", {a.server.port(), b.server.port()}, Checks()));
  EXPECT_EQ(Stat("membership_degraded"), 1u);
  EXPECT_THAT(proxy_->AdminGet("/clusters"), HasSubstr("::health_flags::/degraded_active_hc\n"));
  a.good = false;
  EXPECT_TRUE(Eventually([&] { return AllGoTo(b); }));
}

TEST_F(HealthTest, AnAnswerMayAskToBeLeftAlone) {
  Origin a("a");
  a.fields = {{"x-envoy-immediate-health-check-fail", "true"}};
  Start(ClusterText("origin", {a.server.port()},
                    Checks(", healthy_edge_interval: 600s, unhealthy_interval: 600s, "
                           "unhealthy_edge_interval: 600s")));
  EXPECT_EQ(Get().status(), 200);
  EXPECT_TRUE(Eventually([&] { return Stat("membership_excluded") == 1; }));
  EXPECT_EQ(Stat("health_check.passive_failure"), 1u);
  EXPECT_EQ(Get().status(), 503);
}

TEST_F(HealthTest, EventsAreLinesOfJson) {
  Origin a("a");
  const std::string path = ProxyProcess::WriteFile("events.log", "");
  Start(ClusterText(
      "origin", {a.server.port()},
      Checks(absl::StrCat(", event_logger: [{name: file, typed_config: {\"@type\": "
                          "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3."
                          "HealthCheckEventFileSink, event_log_path: \"",
                          path, "\"}}]"))));
  a.good = false;
  const auto events = [&path] {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  ASSERT_TRUE(
      Eventually([&] { return events().find("eject_unhealthy_event") != std::string::npos; }));
  EXPECT_THAT(events(), HasSubstr(absl::StrCat(
                            "{\"health_checker_type\":\"HTTP\",\"host\":{\"socket_address\":{"
                            "\"protocol\":\"TCP\",\"address\":\"127.0.0.1\",\"port_value\":",
                            a.server.port(), "}},\"cluster_name\":\"origin\",",
                            "\"add_healthy_event\":{\"first_check\":true},\"timestamp\":\"")));
  EXPECT_THAT(events(), HasSubstr("\"eject_unhealthy_event\":{\"failure_type\":\"ACTIVE\","
                                  "\"http_status_code\":503}"));
}

TEST_F(HealthTest, ARowOfFailuresEjectsAHostAndTimeBringsItBack) {
  Origin a("a");
  Origin b("b");
  b.status = 500;
  Start(ClusterText("origin", {a.server.port(), b.server.port()},
                    "outlier_detection: {consecutive_5xx: 3, interval: 0.1s, "
                    "base_ejection_time: 0.5s, max_ejection_percent: 50}, "
                    "common_lb_config: {healthy_panic_threshold: {value: 0}}"));
  int failures = 0;
  for (int i = 0; i < 6; ++i) failures += Get().status() == 500;
  EXPECT_EQ(failures, 3);
  ASSERT_TRUE(Eventually([&] { return Stat("outlier_detection.ejections_enforced_total") == 1; }));
  EXPECT_EQ(Stat("outlier_detection.ejections_enforced_consecutive_5xx"), 1u);
  b.status = 200;
  ASSERT_TRUE(Eventually([&] { return Stat("outlier_detection.ejections_active") == 0; }));
  EXPECT_TRUE(Eventually([&] { return Get().body == absl::StrCat(b.server.port()); }));
}

TEST_F(HealthTest, UnreachableHostsAreEjectedToo) {
  Origin a("a");
  const ClosedPort closed;
  const std::string log = ProxyProcess::WriteFile("ejections.log", "");
  Start(ClusterText("origin", {a.server.port(), closed.port()},
                    "outlier_detection: {split_external_local_origin_errors: true, "
                    "consecutive_local_origin_failure: 2, max_ejection_percent: 50}, "
                    "common_lb_config: {healthy_panic_threshold: {value: 0}}"),
        absl::StrCat("cluster_manager: {outlier_detection: {event_log_path: \"", log, "\"}}"));
  ASSERT_TRUE(Eventually([&] { return AllGoTo(a); }));
  EXPECT_EQ(Stat("outlier_detection.ejections_enforced_consecutive_local_origin_failure"), 1u);
  EXPECT_THAT(proxy_->AdminGet("/clusters"), HasSubstr("::health_flags::/failed_outlier_check\n"));
  ASSERT_TRUE(Eventually([&] {
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    return text.str().find("\"type\":\"CONSECUTIVE_LOCAL_ORIGIN_FAILURE\"") != std::string::npos;
  }));
}

}  // namespace
}  // namespace proxenos::testing
