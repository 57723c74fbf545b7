// A dynamic forward proxy through the real binary: real origins, and a name server that says what
// the test wants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/eventually.h"
#include "test/support/fake_dns_server.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kTypes[] = "type.googleapis.com/envoy.extensions.";

class DynamicForwardProxyTest : public ::testing::Test {
 protected:
  // `more` are further fields of the cache.
  void Start(const std::string& more = "", const std::string& routes = "") {
    const std::string cache = absl::StrCat(
        "dns_cache_config: {name: cache, dns_lookup_family: V4_ONLY, typed_dns_resolver_config: "
        "{name: cares, typed_config: {\"@type\": ",
        kTypes,
        "network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{socket_address: "
        "{address: 127.0.0.1, port_value: ",
        dns_.address().port(), "}}]}}", more.empty() ? "" : ", ", more, "}");
    ConfigText text;
    text.manager = "upgrade_configs: [{upgrade_type: CONNECT}]";
    text.filters = FilterText("dynamic_forward_proxy", "FilterConfig", cache);
    text.clusters = absl::StrCat(
        "{name: anywhere, lb_policy: CLUSTER_PROVIDED, cluster_type: {name: dfp, typed_config: "
        "{\"@type\": ",
        kTypes, "clusters.dynamic_forward_proxy.v3.ClusterConfig, ", cache, "}}}");
    text.routes =
        absl::StrCat(routes,
                     "{match: {connect_matcher: {}}, route: {cluster: anywhere, upgrade_configs: "
                     "[{upgrade_type: CONNECT, connect_config: {}}]}}, ",
                     RouteText("/", "anywhere"));
    proxy_.emplace(Bootstrap(text), ProxyProcess::Options{.concurrency = 2});
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(absl::string_view host, absl::string_view target = "/") {
    return TestClient(port_).Get(target, {{"Host", std::string(host)}});
  }
  static std::string At(absl::string_view host, const FakeOrigin& origin) {
    return absl::StrCat(host, ":", origin.port());
  }
  uint64_t Stat(const std::string& name) {
    return proxy_->Stat(absl::StrCat("dns_cache.cache.", name)).value_or(0);
  }

  FakeDnsServer dns_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(DynamicForwardProxyTest, RequestsGoWhereTheySay) {
  FakeOrigin one("one");
  FakeOrigin two("two");
  dns_.Set("one.example", {.v4 = {"127.0.0.1"}});
  dns_.Set("two.example", {.v4 = {"127.0.0.1"}});
  Start();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Get(At("one.example", one)).body, "one");
    EXPECT_EQ(Get(At("two.example", two)).body, "two");
    EXPECT_EQ(Get(At("127.0.0.1", one)).body, "one");  // No name server is asked.
  }
  EXPECT_EQ(one.WaitForRequest(1).Header("host"), At("one.example", one));
  EXPECT_EQ(Stat("dns_query_attempt"), 3u);
  EXPECT_EQ(Stat("num_hosts"), 3u);
  EXPECT_EQ(Stat("host_added"), 3u);
  EXPECT_EQ(dns_.Questions().size(), 2u);
  // One connection for each name and worker at most, not one for each request.
  EXPECT_LE(proxy_->Stat("cluster.anywhere.upstream_cx_total").value_or(99), 6u);
}

TEST_F(DynamicForwardProxyTest, WhoeverAsksMeanwhileWaitsForTheSameAnswer) {
  FakeOrigin origin;
  dns_.Set("slow.example", {.v4 = {"127.0.0.1"}, .hold = true});
  Start();
  std::vector<std::thread> clients;
  std::vector<int> statuses(4);
  for (int& status : statuses) {
    clients.emplace_back([&] { status = Get(At("slow.example", origin)).status(); });
  }
  const auto waiting = [this] {
    return proxy_->Stat("dns_cache.cache.circuit_breakers.rq_pending_remaining") == 1020u;
  };
  EXPECT_TRUE(Eventually(waiting));
  {
    TestClient gone(port_);  // This one does not live to see it.
    gone.Send(TestClient::Text("GET", "/", {{"Host", At("slow.example", origin)}}));
    EXPECT_TRUE(proxy_->WaitForStat("http.main.downstream_rq_active", 5));
  }
  EXPECT_TRUE(Eventually(waiting));
  dns_.Release();
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(statuses, ::testing::Each(200));
  EXPECT_EQ(Stat("dns_query_attempt"), 1u);
}

TEST_F(DynamicForwardProxyTest, NamesThatLeadNowhere) {
  dns_.Set("broken.example", {.rcode = 2});
  Start();
  for (const char* host : {"missing.example", "broken.example", "a..b", "x:0"}) {
    const Message answer = Get(host);
    EXPECT_EQ(answer.status(), 503) << host;
    EXPECT_EQ(answer.body, "DNS resolution failure") << host;
  }
  EXPECT_EQ(Get("missing.example").status(), 503);  // From the cache.
  EXPECT_GE(Stat("dns_query_failure"), 2u);
}

TEST_F(DynamicForwardProxyTest, AddressesInsideAreNotReached) {
  FakeOrigin origin;
  dns_.Set("inside.example", {.v4 = {"127.0.0.1"}});
  Start("resolved_address_filter: {ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}");
  for (const char* host : {"inside.example", "127.0.0.1", "127.1", "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]", "localhost", "2130706433", "0x7f.1"}) {
    EXPECT_EQ(Get(At(host, origin)).status(), 503) << host;
  }
  TestClient tunnel(port_);
  const std::string there = At("inside.example", origin);
  EXPECT_EQ(tunnel
                .Exchange(absl::StrCat("CONNECT ", there, " HTTP/1.1\r\nHost: ", there, "\r\n\r\n"),
                          "CONNECT")
                .status(),
            503);
  EXPECT_EQ(origin.connection_count(), 0);
}

TEST_F(DynamicForwardProxyTest, ANameThatMoves) {
  FakeOrigin origin;
  dns_.Set("moves.example", {.v4 = {"127.0.0.2"}, .ttl = 1});
  Start("dns_min_refresh_rate: 1s");
  EXPECT_EQ(Get(At("moves.example", origin)).status(), 503);  // Nobody listens there.
  dns_.Set("moves.example", {.v4 = {"127.0.0.1"}, .ttl = 1});
  EXPECT_TRUE(proxy_->WaitForStat("dns_cache.cache.host_address_changed", 1));
  EXPECT_EQ(Get(At("moves.example", origin)).status(), 200);
}

TEST_F(DynamicForwardProxyTest, TunnelsGoWhereTheySay) {
  FakeOrigin origin;
  dns_.Set("far.example", {.v4 = {"127.0.0.1"}});
  Start();
  TestClient tunnel(port_);
  const std::string there = At("far.example", origin);
  EXPECT_EQ(tunnel
                .Exchange(absl::StrCat("CONNECT ", there, " HTTP/1.1\r\nHost: ", there, "\r\n\r\n"),
                          "CONNECT")
                .status(),
            200);
  EXPECT_EQ(tunnel.Exchange(TestClient::Text("GET", "/through")).status(), 200);
}

TEST_F(DynamicForwardProxyTest, RoutesMaySayWhoIsMeant) {
  FakeOrigin origin;
  dns_.Set("fixed.example", {.v4 = {"127.0.0.1"}});
  const auto route = [](absl::string_view prefix, absl::string_view rewrite) {
    return absl::StrCat("{match: {prefix: ", prefix,
                        "}, route: {cluster: anywhere}, typed_per_filter_config: "
                        "{envoy.filters.http.dynamic_forward_proxy: {\"@type\": ",
                        kTypes, "filters.http.dynamic_forward_proxy.v3.PerRouteConfig, ", rewrite,
                        "}}}, ");
  };
  Start("", absl::StrCat(route("/literal", absl::StrCat("host_rewrite_literal: \"",
                                                        At("fixed.example", origin), "\"")),
                         route("/header", "host_rewrite_header: X-To")));
  EXPECT_EQ(Get("elsewhere.example", "/literal").status(), 200);
  EXPECT_EQ(origin.WaitForRequest(1).Header("host"), At("fixed.example", origin));
  TestClient client(port_);
  EXPECT_EQ(
      client.Get("/header", {{"Host", "elsewhere.example"}, {"X-To", At("fixed.example", origin)}})
          .status(),
      200);
}

TEST_F(DynamicForwardProxyTest, TheConfigurationOfThePageLoads) {
  ProxyProcess proxy(PageYaml("docs/filters/dynamic_forward_proxy.md"));
  const uint16_t port = proxy.ListenerPort("main");
  ASSERT_NE(port, 0);
  EXPECT_EQ(TestClient(port).Get("/", {{"Host", "127.0.0.1:80"}}).status(), 503);
  EXPECT_EQ(TestClient(port).Get("/", {{"Host", "0.0.0.0:80"}}).status(), 503);
  EXPECT_EQ(TestClient(port).Get("/", {{"Host", "[::1]:80"}}).status(), 503);
}

}  // namespace
}  // namespace proxenos::testing
