// Clusters through the real binary: pools, retries, balancing, limits, hosts that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

class UpstreamTest : public ::testing::Test {
 protected:
  // `cluster` is the whole cluster "origin".
  void Start(const std::string& cluster, const std::string& action = "") {
    ConfigText text;
    text.clusters = cluster;
    text.routes = RouteText("/", "origin", action);
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(absl::string_view target) { return TestClient(port_).Get(target); }

  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(UpstreamTest, ConnectionsAreKeptAcrossClients) {
  FakeOrigin origin;
  Start(ClusterText("origin", {origin.port()}));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Get("/").status(), 200);
  EXPECT_EQ(origin.connection_count(), 1);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_cx_total"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_total"), 10u);
}

TEST_F(UpstreamTest, OriginThatClosesAfterEachResponse) {
  FakeOrigin origin;
  origin.On("/", [](OriginExchange& exchange) {
    exchange.Reply(200, {{"connection", "close"}}, "bye");
    exchange.Close();
  });
  Start(ClusterText("origin", {origin.port()}));
  TestClient client(port_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Get("/").body, "bye") << i;
  EXPECT_EQ(origin.connection_count(), 10);
}

TEST_F(UpstreamTest, RefusedConnection) {
  const ClosedPort closed;
  Start(ClusterText("origin", {closed.port()}));
  const Message response = Get("/");
  EXPECT_EQ(response.status(), 503);
  EXPECT_THAT(response.body,
              HasSubstr("upstream connect error or disconnect/reset before headers. reset reason: "
                        "remote connection failure"));
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_cx_connect_fail"), 1u);
}

TEST_F(UpstreamTest, NoHosts) {
  Start(ClusterText("origin", {}));
  const Message response = Get("/");
  EXPECT_EQ(response.status(), 503);
  EXPECT_EQ(response.body, "no healthy upstream");
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_cx_none_healthy"), 1u);
}

TEST_F(UpstreamTest, ResetBeforeHeaders) {
  FakeOrigin origin;
  origin.On("/", [](OriginExchange& exchange) { exchange.Reset(); });
  Start(ClusterText("origin", {origin.port()}));
  const Message response = Get("/");
  EXPECT_EQ(response.status(), 503);
  EXPECT_THAT(response.body,
              HasSubstr("upstream connect error or disconnect/reset before headers. reset reason: "
                        "connection termination"));
}

// The origin closes a kept connection just as the next request is on its way. What may be repeated
// without harm (RFC 9110, section 9.2.2) is sent again by itself, once; nothing else is. Envoy
// leaves that to a retry policy.
TEST_F(UpstreamTest, KeptConnectionThatDied) {
  FakeOrigin origin;
  origin.On("/", [](OriginExchange& exchange) {
    if (exchange.request().target() == "/dies" && exchange.connection() % 2 == 1) {
      exchange.Close();
      return;
    }
    exchange.Reply(200, {}, absl::StrCat(exchange.connection()));
  });
  Start(ClusterText("origin", {origin.port()}));
  EXPECT_EQ(Get("/first").body, "1");
  EXPECT_EQ(Get("/dies").body, "2");
  EXPECT_EQ(Get("/third").body, "2");
}

TEST_F(UpstreamTest, PostOnAKeptConnectionThatDiedIsNotRepeated) {
  FakeOrigin origin;
  origin.On("/dies", [](OriginExchange& exchange) {
    exchange.ReadBody();
    exchange.Close();
  });
  Start(ClusterText("origin", {origin.port()}));
  EXPECT_EQ(Get("/first").status(), 200);
  TestClient client(port_);
  EXPECT_EQ(client.Request("POST", "/dies", {}, "once").status(), 503);
  EXPECT_EQ(origin.request_count(), 2u);
}

TEST_F(UpstreamTest, RetryOnReset) {
  FakeOrigin origin;
  origin.On("/", [](OriginExchange& exchange) {
    if (exchange.connection() < 3) {
      exchange.Reset();
    } else {
      exchange.Reply(200, {}, "third time");
    }
  });
  Start(ClusterText("origin", {origin.port()}),
        "retry_policy: {retry_on: 'reset', num_retries: 3, "
        "retry_back_off: {base_interval: 0.001s, max_interval: 0.002s}}");
  EXPECT_EQ(Get("/").body, "third time");
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_retry"), 2u);
}

TEST_F(UpstreamTest, RetryOn5xxTakesAnotherHost) {
  FakeOrigin bad("bad");
  FakeOrigin good("good");
  bad.On("/", [](OriginExchange& exchange) { exchange.Reply(500); });
  Start(ClusterText("origin", {bad.port(), good.port()}),
        "retry_policy: {retry_on: 5xx, num_retries: 5, "
        "retry_back_off: {base_interval: 0.001s, max_interval: 0.002s}}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Get("/").body, "good");
}

TEST_F(UpstreamTest, RoundRobinIsEven) {
  std::vector<std::unique_ptr<FakeOrigin>> origins;
  std::vector<uint16_t> ports;
  for (int i = 0; i < 3; ++i) {
    origins.push_back(std::make_unique<FakeOrigin>(absl::StrCat(i)));
    ports.push_back(origins.back()->port());
  }
  Start(ClusterText("origin", ports));
  TestClient client(port_);
  std::map<std::string, int> hits;
  for (int i = 0; i < 30; ++i) ++hits[client.Get("/").body];
  EXPECT_EQ(hits, (std::map<std::string, int>{{"0", 10}, {"1", 10}, {"2", 10}}));
}

TEST_F(UpstreamTest, EveryPolicyServesAllHosts) {
  for (const char* policy : {"LEAST_REQUEST", "RANDOM"}) {
    FakeOrigin one("one");
    FakeOrigin two("two");
    Start(ClusterText("origin", {one.port(), two.port()}, absl::StrCat("lb_policy: ", policy)));
    TestClient client(port_);
    std::map<std::string, int> hits;
    for (int i = 0; i < 100; ++i) ++hits[client.Get("/").body];
    EXPECT_GT(hits["one"], 10) << policy;
    EXPECT_GT(hits["two"], 10) << policy;
    EXPECT_EQ(hits.size(), 2u) << policy;
  }
}

TEST_F(UpstreamTest, StrictDns) {
  FakeOrigin origin;
  Start(
      absl::StrCat("{name: origin, type: STRICT_DNS, dns_lookup_family: V4_ONLY, connect_timeout: "
                   "5s, load_assignment: {cluster_name: origin, endpoints: [{lb_endpoints: "
                   "[{endpoint: {address: {socket_address: {address: localhost, port_value: ",
                   origin.port(), "}}}}]}]}}"));
  EXPECT_EQ(Get("/").body, "origin");
}

TEST_F(UpstreamTest, LogicalDns) {
  FakeOrigin origin;
  Start(
      absl::StrCat("{name: origin, type: LOGICAL_DNS, dns_lookup_family: V4_ONLY, "
                   "connect_timeout: 5s, load_assignment: {cluster_name: origin, endpoints: "
                   "[{lb_endpoints: [{endpoint: {address: {socket_address: {address: localhost, "
                   "port_value: ",
                   origin.port(), "}}}}]}]}}"));
  EXPECT_EQ(Get("/").body, "origin");
}

TEST_F(UpstreamTest, PendingRequestsAreLimited) {
  FakeOrigin origin;
  Gate gate;
  origin.On("/wait", [&gate](OriginExchange& exchange) {
    gate.Wait();
    exchange.Reply(200);
  });
  Start(ClusterText(
      "origin", {origin.port()},
      "circuit_breakers: {thresholds: [{max_connections: 1, max_pending_requests: 1}]}"));
  TestClient first(port_);
  first.Send(TestClient::Text("GET", "/wait"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_active", 1));
  TestClient second(port_);
  second.Send(TestClient::Text("GET", "/wait"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_pending_active", 1));
  const Message third = Get("/wait");
  EXPECT_EQ(third.status(), 503);
  EXPECT_EQ(third.body,
            "upstream connect error or disconnect/reset before headers. reset reason: overflow");
  EXPECT_EQ(third.Header("x-envoy-overloaded"), "true");
  gate.Open();
  EXPECT_EQ(first.ReadResponse().status(), 200);
  EXPECT_EQ(second.ReadResponse().status(), 200);
}

// A host that is killed costs, with a retry policy, no request; once back it is used again.
TEST_F(UpstreamTest, KilledOrigin) {
  auto first = std::make_unique<FakeOrigin>("first");
  FakeOrigin second("second");
  const uint16_t port = first->port();
  Start(ClusterText("origin", {port, second.port()}),
        "retry_policy: {retry_on: 'connect-failure,reset', num_retries: 5, "
        "retry_back_off: {base_interval: 0.001s, max_interval: 0.002s}}");
  TestClient client(port_);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Get("/").status(), 200);
  first->Kill();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.Get("/").body, "second");
  first = std::make_unique<FakeOrigin>("first", port);
  EXPECT_TRUE(Eventually([&] { return client.Get("/").body == "first"; }));
}

TEST_F(UpstreamTest, PerTryTimeout) {
  FakeOrigin origin;
  Gate gate;
  origin.On("/", [&gate](OriginExchange& exchange) {
    if (exchange.connection() == 1) {
      gate.Wait();
      exchange.Close();
    } else {
      exchange.Reply(200, {}, "second try");
    }
  });
  Start(ClusterText("origin", {origin.port()}),
        "timeout: 20s, retry_policy: {retry_on: 5xx, num_retries: 1, per_try_timeout: 0.1s}");
  EXPECT_EQ(Get("/").body, "second try");
  gate.Open();
}

}  // namespace
}  // namespace proxenos::testing
