// Subsets through the real binary: the configuration of docs/subsets.md, typed policies, weighted
// clusters and changing hosts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/integration/config_text.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using Spread = std::map<std::string, int>;

class SubsetTest : public ::testing::Test {
 protected:
  SubsetTest() {
    for (int i = 0; i < 3; ++i) origins_.push_back(std::make_unique<FakeOrigin>(absl::StrCat(i)));
  }
  void Start(const std::string& yaml) {
    proxy_.emplace(yaml);
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  // Who answers so many requests; by status where that is not 200.
  Spread Ask(const Fields& fields, int count = 6, const std::string& target = "/") {
    Spread spread;
    TestClient client(port_);
    for (int i = 0; i < count; ++i) {
      const Message message = client.Request("GET", target, fields, "");
      ++spread[message.status() == 200 ? message.body : absl::StrCat(message.status())];
    }
    return spread;
  }
  std::string Endpoint(int origin, const std::string& metadata) const {
    return absl::StrCat("{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ",
                        origins_[origin]->port(),
                        "}}}, metadata: {filter_metadata: {envoy.lb: ", metadata, "}}}");
  }
  std::string Cluster(const std::string& policy, const std::vector<std::string>& metadata) const {
    std::string endpoints;
    for (size_t i = 0; i < metadata.size(); ++i) {
      absl::StrAppend(&endpoints, i == 0 ? "" : ", ", Endpoint(static_cast<int>(i), metadata[i]));
    }
    return absl::StrCat("{name: origin, ", policy,
                        ", load_assignment: {cluster_name: origin, endpoints: [{lb_endpoints: [",
                        endpoints, "]}]}}");
  }
  uint64_t Stat(const std::string& name) {
    return proxy_->Stat("cluster.origin." + name).value_or(0);
  }

  std::vector<std::unique_ptr<FakeOrigin>> origins_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(SubsetTest, TheConfigurationOfThePage) {
  std::string yaml = PageYaml("docs/subsets.md");
  ASSERT_NE(yaml, "");
  for (int i = 0; i < 3; ++i) {
    absl::StrReplaceAll({{absl::StrCat(8081 + i), absl::StrCat(origins_[i]->port())}}, &yaml);
  }
  Start(yaml);
  EXPECT_EQ(Ask({{"x-version", "1"}}), (Spread{{"0", 6}}));
  EXPECT_EQ(Ask({{"x-version", "2"}}), (Spread{{"1", 6}}));
  EXPECT_EQ(Ask({{"x-version", "3"}}), (Spread{{"0", 3}, {"1", 3}}));
  EXPECT_EQ(Ask({}), (Spread{{"0", 3}, {"1", 3}}));
  EXPECT_EQ(Ask({{"x-stage", "dev"}}), (Spread{{"2", 6}}));
  EXPECT_EQ(Ask({{"x-stage", "none"}}), (Spread{{"0", 6}}));
  EXPECT_EQ(proxy_->Stat("cluster.shop.lb_subsets_active"), 5u);
  EXPECT_EQ(proxy_->Stat("cluster.shop.lb_subsets_created"), 5u);
  EXPECT_EQ(proxy_->Stat("cluster.shop.lb_subsets_selected"), 30u);
  EXPECT_EQ(proxy_->Stat("cluster.shop.lb_subsets_fallback"), 6u);
}

constexpr char kSubset[] =
    "load_balancing_policy: {policies: [{typed_extension_config: {name: s, typed_config: {"
    "\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset, "
    "subset_lb_policy: {policies: [{typed_extension_config: {name: r, typed_config: {"
    "\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies.RING}}}]}, RULES}}}]}";

std::string Typed(const std::string& policy, const std::string& rules) {
  return absl::StrReplaceAll(kSubset, {{"RING", policy}, {"RULES", rules}});
}

TEST_F(SubsetTest, WeightedClustersAskForMore) {
  ConfigText text;
  text.clusters = Cluster(Typed("round_robin.v3.RoundRobin", "subset_selectors: [{keys: [a, b]}]"),
                          {"{a: 1, b: true}", "{a: 1, b: [x]}", "{a: 2, b: true}"});
  text.routes =
      "{match: {prefix: /}, route: {metadata_match: {filter_metadata: {envoy.lb: {a: 1, b: 7}}}, "
      "weighted_clusters: {clusters: [{name: origin, weight: 1, metadata_match: {filter_metadata: "
      "{envoy.lb: {b: [x]}}}}]}}}";
  Start(Bootstrap(text));
  EXPECT_EQ(Ask({}), (Spread{{"1", 6}}));
}

TEST_F(SubsetTest, HashingWithinASubset) {
  ConfigText text;
  text.clusters =
      Cluster(Typed("maglev.v3.Maglev, table_size: 1021", "subset_selectors: [{keys: [v]}]"),
              {"{v: x}", "{v: x}", "{v: y}"});
  text.routes = RouteText("/", "origin",
                          "hash_policy: [{header: {header_name: x-user}}], "
                          "metadata_match: {filter_metadata: {envoy.lb: {v: x}}}");
  Start(Bootstrap(text));
  Spread all;
  for (int user = 0; user < 12; ++user) {
    const Spread spread = Ask({{"x-user", absl::StrCat(user)}}, 3);
    ASSERT_EQ(spread.size(), 1u);
    all[spread.begin()->first] += 1;
  }
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.count("2"), 0u);
}

TEST_F(SubsetTest, NobodyToServe) {
  ConfigText text;
  text.clusters = Cluster("lb_subset_config: {subset_selectors: [{keys: [v]}]}", {"{v: x}"});
  Start(Bootstrap(text));
  EXPECT_EQ(Ask({}, 2), (Spread{{"503", 2}}));
  EXPECT_EQ(Stat("upstream_cx_none_healthy"), 2u);
}

TEST_F(SubsetTest, ARetryStaysInTheSubset) {
  origins_[0]->On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, ""); });
  ConfigText text;
  text.clusters = Cluster("lb_policy: RANDOM, lb_subset_config: {subset_selectors: [{keys: [v]}]}",
                          {"{v: x}", "{v: x}", "{v: y}"});
  text.routes = RouteText(
      "/", "origin",
      "metadata_match: {filter_metadata: {envoy.lb: {v: x}}}, retry_policy: {retry_on: 5xx, "
      "host_selection_retry_max_attempts: 50, retry_back_off: {base_interval: 0.001s}, "
      "retry_host_predicate: [{name: envoy.retry_host_predicates.previous_hosts, typed_config: "
      "{\"@type\": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3."
      "PreviousHostsPredicate}}]}");
  Start(Bootstrap(text));
  EXPECT_EQ(Ask({}, 20), (Spread{{"1", 20}}));
}

}  // namespace
}  // namespace proxenos::testing
