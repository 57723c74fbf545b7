// Aggregate clusters through the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

std::string AggregateText(absl::string_view name, absl::string_view clusters) {
  return absl::StrCat(
      "{name: ", name,
      ", lb_policy: CLUSTER_PROVIDED, cluster_type: {name: a, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [",
      clusters, "]}}}");
}

class AggregateClusterTest : public ::testing::Test {
 protected:
  void Start(const std::string& clusters, const std::string& action = "") {
    ConfigText text;
    text.clusters = absl::StrCat(AggregateText("all", "first, second"), ", ", clusters);
    text.routes = RouteText("/", "all", action);
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(absl::string_view target = "/") { return TestClient(port_).Get(target); }

  FakeOrigin one_{"one"};
  FakeOrigin two_{"two"};
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(AggregateClusterTest, TheFirstThatIsWellServes) {
  Start(absl::StrCat(ClusterText("first", {one_.port()}), ", ",
                     ClusterText("second", {two_.port()})));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get().body, "one");
  EXPECT_EQ(proxy_->Stat("cluster.all.upstream_rq_total"), 5u);
  EXPECT_EQ(proxy_->Stat("cluster.first.upstream_cx_total"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.second.upstream_cx_total").value_or(0), 0u);
}

TEST_F(AggregateClusterTest, WhatIsNotThereIsLeftOut) {
  Start(ClusterText("second", {two_.port()}));
  EXPECT_EQ(Get().body, "two");
}

TEST_F(AggregateClusterTest, WithoutAnyClusterThereIsNoHost) {
  Start(ClusterText("other", {two_.port()}));
  EXPECT_EQ(Get().status(), 503);
}

TEST_F(AggregateClusterTest, HostsThatFailAreEjectedFromTheirOwnCluster) {
  one_.On("/", [](OriginExchange& exchange) { exchange.Reply(500, {}, "no"); });
  Start(absl::StrCat(
      ClusterText("first", {one_.port()},
                  "outlier_detection: {consecutive_5xx: 2, max_ejection_percent: 100}, "
                  "common_lb_config: {healthy_panic_threshold: {value: 0}}"),
      ", ", ClusterText("second", {two_.port()})));
  EXPECT_TRUE(Eventually([this] { return Get().body == "two"; }));
  EXPECT_EQ(proxy_->Stat("cluster.first.outlier_detection.ejections_active"), 1u);
}

TEST_F(AggregateClusterTest, ARetryGoesToTheNextPriorityInLine) {
  one_.On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, "no"); });
  Start(
      absl::StrCat(ClusterText("first", {one_.port()}), ", ", ClusterText("second", {two_.port()})),
      "retry_policy: {retry_on: 5xx, num_retries: 1, retry_priority: {name: p, typed_config: "
      "{\"@type\": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3."
      "PreviousPrioritiesConfig, update_frequency: 1}}}");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get().body, "two");
}

TEST_F(AggregateClusterTest, WhoStandsForItselfIsRefused) {
  ConfigText text;
  text.clusters = absl::StrCat(AggregateText("all", "other"), ", ", AggregateText("other", "all"));
  text.routes = RouteText("/", "all");
  const std::string file = absl::StrCat(::testing::TempDir(), "/circle.yaml");
  std::ofstream(file) << Bootstrap(text);
  std::string output;
  EXPECT_NE(ProxyProcess::Run({"-c", file, "--mode", "validate"}, &output), 0);
  EXPECT_THAT(output, ::testing::HasSubstr("the cluster would stand for itself"));
}

}  // namespace
}  // namespace proxenos::testing
