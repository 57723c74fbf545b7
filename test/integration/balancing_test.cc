// Which host gets a request, through the real binary: by hash, by where the client wanted to go,
// and by what retries avoid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

class BalancingTest : public ::testing::Test {
 protected:
  BalancingTest() {
    for (int i = 0; i < 3; ++i) origins_.push_back(std::make_unique<FakeOrigin>(absl::StrCat(i)));
  }
  std::vector<uint16_t> Ports() const {
    std::vector<uint16_t> ports;
    for (const auto& each : origins_) ports.push_back(each->port());
    return ports;
  }
  void Start(const std::string& cluster, const std::string& action, int concurrency = 1) {
    ConfigText text;
    text.clusters = cluster;
    text.routes = RouteText("/", "origin", action);
    ProxyProcess::Options options;
    options.concurrency = concurrency;
    proxy_.emplace(Bootstrap(text), options);
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(const Fields& fields, const std::string& target = "/") {
    return TestClient(port_).Request("GET", target, fields, "");
  }

  std::vector<std::unique_ptr<FakeOrigin>> origins_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(BalancingTest, AHeaderLeadsToTheSameHostOnAllWorkers) {
  for (const std::string policy : {"RING_HASH", "MAGLEV"}) {
    Start(ClusterText("origin", Ports(), "lb_policy: " + policy),
          "hash_policy: [{header: {header_name: x-user}}]", 3);
    // Ports differ from run to run, and so does who goes where: enough users for each host.
    std::set<std::string> used;
    for (int user = 0; user < 100; ++user) {
      const Fields fields = {{"x-user", absl::StrCat("user", user)}};
      const std::string first = Get(fields).body;
      used.insert(first);
      for (int i = 0; i < 4 && user < 12; ++i) EXPECT_EQ(Get(fields).body, first) << policy;
    }
    EXPECT_EQ(used.size(), 3u) << policy;
  }
}

TEST_F(BalancingTest, AClientWithoutACookieIsGivenOne) {
  Start(ClusterText("origin", Ports(), "lb_policy: MAGLEV, maglev_lb_config: {table_size: 1021}"),
        "hash_policy: [{cookie: {name: stick, ttl: 60s, path: /}}]");
  const Message first = Get({});
  const std::string cookie(first.Header("set-cookie"));
  EXPECT_THAT(cookie, HasSubstr("stick=\""));
  EXPECT_THAT(cookie, HasSubstr("\"; Max-Age=60; Path=/; HttpOnly"));
  const std::string pair = cookie.substr(0, cookie.find(';'));
  for (int i = 0; i < 5; ++i) {
    const Message again = Get({{"cookie", pair}});
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.Header("set-cookie"), "");
  }
}

TEST_F(BalancingTest, TypedPolicies) {
  Start(ClusterText("origin", Ports(),
                    "load_balancing_policy: {policies: [{typed_extension_config: {name: ring, "
                    "typed_config: {\"@type\": type.googleapis.com/envoy.extensions."
                    "load_balancing_policies.ring_hash.v3.RingHash, minimum_ring_size: 64}}}]}"),
        "hash_policy: [{query_parameter: {name: k}}]");
  const std::string first = Get({}, "/?k=1").body;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get({}, "/?k=1").body, first);
}

TEST_F(BalancingTest, ARetryAvoidsHostsThatWereTried) {
  for (int i = 0; i < 2; ++i) {
    origins_[i]->On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, ""); });
  }
  Start(ClusterText("origin", Ports(), "lb_policy: RANDOM"),
        "retry_policy: {retry_on: 5xx, num_retries: 2, host_selection_retry_max_attempts: 50, "
        "retry_back_off: {base_interval: 0.001s}, "
        "retry_host_predicate: [{name: envoy.retry_host_predicates.previous_hosts, typed_config: "
        "{\"@type\": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3."
        "PreviousHostsPredicate}}]}");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get({}).status(), 200) << i;
}

TEST_F(BalancingTest, ARetryGoesToTheNextPriority) {
  origins_[0]->On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, ""); });
  const auto locality = [](int priority, uint16_t port) {
    return absl::StrCat("{priority: ", priority,
                        ", lb_endpoints: [{endpoint: {address: {socket_address: {address: "
                        "127.0.0.1, port_value: ",
                        port, "}}}}]}");
  };
  Start(
      absl::StrCat("{name: origin, load_assignment: {cluster_name: origin, endpoints: [",
                   locality(0, origins_[0]->port()), ", ", locality(1, origins_[1]->port()), "]}}"),
      "retry_policy: {retry_on: 5xx, retry_back_off: {base_interval: 0.001s}, retry_priority: "
      "{name: envoy.retry_priorities.previous_priorities, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3."
      "PreviousPrioritiesConfig, update_frequency: 1}}}");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get({}).body, "1");
}

TEST_F(BalancingTest, WhereTheClientWantedToGo) {
  Start(
      "{name: origin, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, connect_timeout: 1s, "
      "cleanup_interval: 0.2s, original_dst_lb_config: {use_http_header: true}}",
      "");
  for (const auto& origin : origins_) {
    const Fields to = {{"x-envoy-original-dst-host", absl::StrCat("127.0.0.1:", origin->port())}};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(to).status(), 200);
    EXPECT_EQ(origin->request_count(), 3u);
    EXPECT_EQ(origin->connection_count(), 1);
  }
  // Hosts that nobody goes to are forgotten, and their connections with them.
  for (const auto& origin : origins_) EXPECT_TRUE(origin->WaitForEndedConnections(1));
  EXPECT_EQ(Get({{"x-envoy-original-dst-host", "nonsense"}}).status(), 503);
  // Where nobody told, it would be this proxy itself.
  EXPECT_EQ(Get({}).status(), 503);
}

TEST_F(BalancingTest, TheTypedDnsCluster) {
  Start(absl::StrCat(
            "{name: origin, cluster_type: {name: envoy.cluster.dns, typed_config: {\"@type\": "
            "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster, dns_lookup_family: "
            "V4_ONLY}}, load_assignment: {cluster_name: origin, endpoints: [{lb_endpoints: "
            "[{endpoint: {address: {socket_address: {address: localhost, port_value: ",
            origins_[0]->port(), "}}}}]}]}}"),
        "");
  EXPECT_EQ(Get({}).body, "0");
}

TEST_F(BalancingTest, ARetryBudget) {
  origins_[0]->On("/", [](OriginExchange& exchange) { exchange.Reply(503, {}, ""); });
  Start(ClusterText("origin", {origins_[0]->port()},
                    "circuit_breakers: {thresholds: [{retry_budget: {budget_percent: {value: 0}, "
                    "min_retry_concurrency: 0}}]}"),
        "retry_policy: {retry_on: 5xx}");
  EXPECT_EQ(Get({}).status(), 503);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_retry_overflow"), 1u);
}

}  // namespace
}  // namespace proxenos::testing
