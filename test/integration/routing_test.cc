// Routing and the connection manager through the real binary: matches, actions, headers, timeouts,
// the words of local replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "test/integration/config_text.h"
#include "test/support/child_process.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::MatchesRegex;

class RoutingTest : public ::testing::Test {
 protected:
  void Start(ConfigText text) {
    text.clusters = absl::StrCat(ClusterText("origin", {origin_.port()}), ", ",
                                 ClusterText("other", {other_.port()}));
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(absl::string_view target, const Fields& headers = {}) {
    return TestClient(port_).Get(target, headers);
  }

  FakeOrigin origin_{"origin"};
  FakeOrigin other_{"other"};
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(RoutingTest, VirtualHosts) {
  const auto host = [](absl::string_view name, absl::string_view domains) {
    return absl::StrCat("{name: ", name, ", domains: [", domains,
                        "], routes: [{match: {prefix: /}, direct_response: {status: 200, body: "
                        "{inline_string: ",
                        name, "}}}]}");
  };
  Start({.virtual_hosts =
             absl::StrCat(host("exact", "a.example, 'with.port:81'"), ", ",
                          host("suffix", "'*.example'"), ", ", host("longer", "'*.b.example'"),
                          ", ", host("prefix", "'www.*'"), ", ", host("any", "'*'"))});
  const std::map<std::string, std::string> cases = {
      {"a.example", "exact"},    {"A.EXAMPLE", "exact"},        {"x.example", "suffix"},
      {"c.b.example", "longer"}, {"www.example.org", "prefix"}, {"other.org", "any"},
      {"with.port:81", "exact"}, {"with.port:82", "any"}};
  for (const auto& [name, want] : cases) {
    EXPECT_EQ(Get("/", {{"Host", name}}).body, want) << name;
  }
}

TEST_F(RoutingTest, Matches) {
  const auto route = [](absl::string_view match, absl::string_view body) {
    return absl::StrCat("{match: {", match,
                        "}, direct_response: {status: 200, body: "
                        "{inline_string: ",
                        body, "}}}");
  };
  Start({.routes = absl::StrCat(
             route("path: /exact", "path"), ", ", route("path_separated_prefix: /sep", "sep"), ", ",
             route("safe_regex: {regex: '/re/[0-9]+'}", "regex"), ", ",
             route("prefix: /h, headers: [{name: x-a, string_match: {exact: b}}]", "header"), ", ",
             route("prefix: /h, headers: [{name: x-n, present_match: true}]", "present"), ", ",
             route("prefix: /q, query_parameters: [{name: k, string_match: {prefix: v}}]", "query"),
             ", ", route("prefix: /CaSe, case_sensitive: false", "case"), ", ",
             route("prefix: /", "rest"))});
  EXPECT_EQ(Get("/exact").body, "path");
  EXPECT_EQ(Get("/exact?x").body, "path");
  EXPECT_EQ(Get("/exactly").body, "rest");
  EXPECT_EQ(Get("/sep/a").body, "sep");
  EXPECT_EQ(Get("/sep").body, "sep");
  EXPECT_EQ(Get("/sepa").body, "rest");
  EXPECT_EQ(Get("/re/12").body, "regex");
  EXPECT_EQ(Get("/re/12x").body, "rest");
  EXPECT_EQ(Get("/h", {{"X-A", "b"}}).body, "header");
  EXPECT_EQ(Get("/h", {{"X-A", "c"}, {"X-N", ""}}).body, "present");
  EXPECT_EQ(Get("/h").body, "rest");
  EXPECT_EQ(Get("/q?a=1&k=value").body, "query");
  EXPECT_EQ(Get("/q?k=w").body, "rest");
  EXPECT_EQ(Get("/cAsE/x").body, "case");
}

TEST_F(RoutingTest, Redirects) {
  Start(
      {.routes =
           "{match: {path: /https}, redirect: {https_redirect: true}}, "
           "{match: {path: /host}, redirect: {host_redirect: new.example, response_code: FOUND}}, "
           "{match: {prefix: /old}, redirect: {prefix_rewrite: /new, strip_query: true, "
           "response_code: PERMANENT_REDIRECT}}, "
           "{match: {path: /path}, redirect: {path_redirect: '/there?x=y'}}"});
  const Message https = Get("/https?q=1", {{"Host", "h.example"}});
  EXPECT_EQ(https.status(), 301);
  EXPECT_EQ(https.Header("location"), "https://h.example/https?q=1");
  EXPECT_EQ(Get("/host").status(), 302);
  EXPECT_EQ(Get("/host").Header("location"), "http://new.example/host");
  EXPECT_EQ(Get("/old/a?q").status(), 308);
  EXPECT_EQ(Get("/old/a?q").Header("location"), "http://test.example/new/a");
  EXPECT_EQ(Get("/path").Header("location"), "http://test.example/there?x=y");
}

TEST_F(RoutingTest, Rewrites) {
  Start({.routes = absl::StrCat(
             RouteText("/api/", "origin", "prefix_rewrite: /, host_rewrite_literal: up.example"),
             ", {match: {safe_regex: {regex: '/v[0-9]/.*'}}, route: {cluster: origin, "
             "regex_rewrite: {pattern: {regex: '^/v([0-9])/(.*)'}, substitution: '/\\2/\\1'}}}")});
  EXPECT_EQ(Get("/api/x?y").status(), 200);
  EXPECT_EQ(Get("/v1/abc").status(), 200);
  const std::vector<Message> seen = origin_.requests();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].target(), "/x?y");
  EXPECT_EQ(seen[0].Header("host"), "up.example");
  EXPECT_EQ(seen[0].Header("x-envoy-original-path"), "/api/x?y");
  EXPECT_EQ(seen[1].target(), "/abc/1");
}

TEST_F(RoutingTest, HeadersAddedAndRemoved) {
  Start({.virtual_hosts =
             "{name: v, domains: ['*'], "
             "request_headers_to_add: [{header: {key: x-host, value: vhost}}], "
             "response_headers_to_remove: [x-origin], "
             "routes: [{match: {prefix: /}, route: {cluster: origin}, "
             "request_headers_to_add: [{header: {key: x-route, value: '%PROTOCOL% %REQ(:path)%'}}, "
             "{header: {key: x-over, value: new}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}], "
             "request_headers_to_remove: [x-gone], "
             "response_headers_to_add: [{header: {key: x-code, value: '%RESPONSE_CODE%'}}]}]}"});
  const Message response = Get("/p", {{"X-Gone", "1"}, {"X-Over", "old"}, {"X-Route", "mine"}});
  EXPECT_EQ(response.Header("x-code"), "200");
  EXPECT_FALSE(response.Has("x-origin"));
  const Message seen = origin_.WaitForRequest(1);
  EXPECT_EQ(seen.Header("x-host"), "vhost");
  EXPECT_EQ(seen.Count("x-route"), 2);
  EXPECT_THAT(seen.head, HasSubstr("x-route: HTTP/1.1 /p\r\n"));
  EXPECT_EQ(seen.Header("x-over"), "new");
  EXPECT_EQ(seen.Count("x-over"), 1);
  EXPECT_FALSE(seen.Has("x-gone"));
}

TEST_F(RoutingTest, WeightedClusters) {
  Start({.routes = "{match: {prefix: /}, route: {weighted_clusters: {clusters: ["
                   "{name: origin, weight: 75}, {name: other, weight: 25}]}}}"});
  TestClient client(port_);
  constexpr int kRequests = 400;
  int others = 0;
  for (int i = 0; i < kRequests; ++i) others += client.Get("/").body == "other";
  // 100 expected; less than one run in a million falls outside by chance.
  EXPECT_THAT(others, AllOf(Ge(55), Le(150)));
}

TEST_F(RoutingTest, WeightZeroGetsNothing) {
  Start({.routes = "{match: {prefix: /}, route: {weighted_clusters: {clusters: ["
                   "{name: origin, weight: 1}, {name: other, weight: 0}]}}}"});
  TestClient client(port_);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.Get("/").body, "origin");
}

TEST_F(RoutingTest, ClusterFromHeader) {
  Start({.routes = "{match: {prefix: /}, route: {cluster_header: x-to}}"});
  EXPECT_EQ(Get("/", {{"X-To", "other"}}).body, "other");
  EXPECT_EQ(Get("/", {{"X-To", "nowhere"}}).status(), 503);
  EXPECT_EQ(Get("/").status(), 503);
}

TEST_F(RoutingTest, NoRouteIs404) {
  Start({.routes = RouteText("/only", "origin")});
  const Message response = Get("/else");
  EXPECT_EQ(response.status(), 404);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.Header("content-length"), "0");
  EXPECT_EQ(response.Header("server"), "envoy");
}

TEST_F(RoutingTest, NoVirtualHostIs404) {
  Start({.virtual_hosts = absl::StrCat("{name: v, domains: [only.example], routes: [",
                                       RouteText("/", "origin"), "]}")});
  EXPECT_EQ(Get("/").status(), 404);
  EXPECT_EQ(Get("/", {{"Host", "only.example"}}).status(), 200);
}

TEST_F(RoutingTest, RouteTimeout) {
  Gate gate;
  origin_.On("/slow", [&gate](OriginExchange& exchange) {
    gate.Wait();
    exchange.Close();
  });
  Start({.routes = RouteText("/", "origin", "timeout: 0.1s")});
  const Message response = Get("/slow");
  EXPECT_EQ(response.status(), 504);
  EXPECT_EQ(response.body, "upstream request timeout");
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_timeout"), 1u);
  gate.Open();
}

TEST_F(RoutingTest, TimeoutAfterTheResponseBeganCutsTheStream) {
  Gate gate;
  origin_.On("/slow", [&gate](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    gate.Wait();
    exchange.Close();
  });
  Start({.routes = RouteText("/", "origin", "timeout: 0.1s")});
  const Message response = Get("/slow");
  EXPECT_EQ(response.status(), 200);
  EXPECT_FALSE(response.complete);
  gate.Open();
}

// The log says why a response was cut, not how it began.
TEST_F(RoutingTest, LogOfACutResponse) {
  const std::string log = ProxyProcess::WriteFile("cut.log", "");
  Gate gate;
  origin_.On("/slow", [&gate](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    gate.Wait();
    exchange.Close();
  });
  origin_.On("/cut", [](OriginExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    exchange.Close();
  });
  Start({.manager = absl::StrCat(
             "access_log: [",
             FileLogText(log, "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\\n"), "]"),
         .routes = RouteText("/", "origin", "timeout: 0.1s")});
  EXPECT_FALSE(Get("/slow").complete);
  EXPECT_FALSE(Get("/cut").complete);
  gate.Open();
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(ReadFile(log), "after_response"); }));
  EXPECT_EQ(ReadFile(log),
            "200 UT response_timeout\n"
            "200 UC upstream_reset_after_response_started{connection_termination}\n");
}

TEST_F(RoutingTest, FailuresTellTheirAttempts) {
  origin_.On("/reset", [](OriginExchange& exchange) { exchange.Reset(); });
  Start({.virtual_hosts = absl::StrCat(
             "{name: v, domains: ['*'], include_attempt_count_in_response: true, routes: [",
             RouteText("/", "origin",
                       "retry_policy: {retry_on: reset, num_retries: 2, "
                       "retry_back_off: {base_interval: 0.001s, max_interval: 0.002s}}"),
             "]}")});
  EXPECT_EQ(Get("/reset").Header("x-envoy-attempt-count"), "3");
  EXPECT_EQ(Get("/").Header("x-envoy-attempt-count"), "1");
}

// A response that was tried again is not among those that the cluster gave; one that was, at the
// end of its retries, did not succeed.
TEST_F(RoutingTest, StatsOfRetries) {
  origin_.On("/409", [](OriginExchange& exchange) { exchange.Reply(409); });
  Start({.routes = RouteText("/", "origin",
                             "retry_policy: {retry_on: retriable-4xx, num_retries: 2, "
                             "retry_back_off: {base_interval: 0.001s, max_interval: 0.002s}}")});
  EXPECT_EQ(Get("/409").status(), 409);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_retry"), 2u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_retry_success"), 0u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.upstream_rq_409"), 1u);
}

TEST_F(RoutingTest, AddedHeadersReadTheResponse) {
  origin_.On("/", [](OriginExchange& exchange) { exchange.Reply(200, {{"X-A", "theirs"}}); });
  Start({.virtual_hosts =
             "{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: origin}, "
             "response_headers_to_add: [{header: {key: x-copy, value: '%RESP(x-a)%'}}]}]}"});
  EXPECT_EQ(Get("/").Header("x-copy"), "theirs");
}

TEST_F(RoutingTest, RequestHeadersOfTheManager) {
  Start({.manager = "use_remote_address: true, via: proxy-1"});
  Get("/");
  const Message seen = origin_.WaitForRequest(1);
  EXPECT_EQ(seen.Header("x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(seen.Header("x-forwarded-proto"), "http");
  EXPECT_EQ(seen.Header("via"), "proxy-1");
  EXPECT_EQ(seen.Header("x-envoy-expected-rq-timeout-ms"), "15000");
  EXPECT_THAT(seen.Header("x-request-id"),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"));
}

TEST_F(RoutingTest, ForwardedForIsTrustedAsConfigured) {
  Start({.manager = "use_remote_address: true"});
  Get("/", {{"X-Forwarded-For", "1.2.3.4"}, {"X-Request-Id", "mine"}});
  const Message seen = origin_.WaitForRequest(1);
  EXPECT_EQ(seen.Header("x-forwarded-for"), "1.2.3.4,127.0.0.1");
}

TEST_F(RoutingTest, ResponseHeaders) {
  Start({.manager = "server_name: edge"});
  const Message response = Get("/");
  EXPECT_EQ(response.Header("server"), "edge");
  EXPECT_TRUE(response.Has("date"));
  EXPECT_THAT(response.Header("x-envoy-upstream-service-time"), MatchesRegex("[0-9]+"));
}

TEST_F(RoutingTest, MaxRequestHeadersFromConfig) {
  Start({.manager = "max_request_headers_kb: 1"});
  EXPECT_EQ(Get("/", {{"X", std::string(2000, 'x')}}).status(), 431);
  EXPECT_EQ(Get("/", {{"X", std::string(500, 'x')}}).status(), 200);
}

TEST_F(RoutingTest, PathNormalisation) {
  Start({.manager = "normalize_path: true, merge_slashes: true, "
                    "path_with_escaped_slashes_action: REJECT_REQUEST"});
  EXPECT_EQ(Get("/a/../b//c/./d").status(), 200);
  EXPECT_EQ(origin_.WaitForRequest(1).target(), "/b/c/d");
  EXPECT_EQ(Get("/a%2Fb").status(), 400);
}

}  // namespace
}  // namespace proxenos::testing
