// Who may pass, through the real binary: tokens, authorization by gRPC (gRPC C++ is the peer) and
// by HTTP, limits of the process and of a service, and what access logs tell of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "envoy/service/auth/v3/external_auth.pb.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "google/protobuf/text_format.h"
#include "test/integration/config_text.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;
using xds_server::StreamId;

constexpr char kHttp2[] =
    "typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"
    "\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, "
    "explicit_http_config: {http2_protocol_options: {}}}}";

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string TokenOf(const std::string& name) {
  std::istringstream lines(ReadText("test/filters/http/testdata/tokens.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(name + " ", 0) == 0) return line.substr(name.size() + 1);
  }
  return "";
}

// A gRPC server with one answer for each method, which may look at the question.
class GrpcService {
 public:
  using Answer = std::function<std::string(const std::string& question)>;

  explicit GrpcService(Answer answer) : answer_(std::move(answer)), server_(Events()) {
    EXPECT_TRUE(server_.Start("127.0.0.1:0").ok());
  }

  uint16_t port() const {
    int port = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(server_.address().substr(server_.address().rfind(':') + 1), &port));
    return static_cast<uint16_t>(port);
  }
  std::string last_question() {
    std::lock_guard<std::mutex> lock(mutex_);
    return question_;
  }

 private:
  xds_server::StreamServer::Events Events() {
    xds_server::StreamServer::Events events;
    events.on_open = [](StreamId, absl::string_view) { return true; };
    events.on_message = [this](StreamId id, const std::string& message) {
      {
        std::lock_guard<std::mutex> lock(mutex_);
        question_ = message;
      }
      server_.Send(id, answer_(message));
      server_.Finish(id, absl::OkStatus());
    };
    events.on_closed = [](StreamId) {};
    return events;
  }

  const Answer answer_;
  std::mutex mutex_;
  std::string question_;  // Guarded by mutex_.
  xds_server::StreamServer server_;
};

template <typename Proto>
std::string Serialized(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto.SerializeAsString();
}

class AuthTest : public ::testing::Test {
 protected:
  void Start(const std::string& filters, const std::string& clusters, ConfigText text = {}) {
    text.filters = filters;
    text.clusters = ClusterText("origin", {origin_.port()});
    if (!clusters.empty()) absl::StrAppend(&text.clusters, ", ", clusters);
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  Message Get(absl::string_view target, const Fields& fields = {}) {
    return TestClient(port_).Get(target, fields);
  }

  FakeOrigin origin_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(AuthTest, TokensWithFetchedKeys) {
  std::atomic<int> fetched = 0;
  FakeOrigin keys;
  keys.On("/jwks", [&fetched](OriginExchange& exchange) {
    ++fetched;
    exchange.Reply(200, {{"content-type", "application/json"}},
                   ReadText("test/filters/http/testdata/jwks.json"));
  });
  Start(FilterText("jwt_authn", "JwtAuthentication",
                   "providers: {p: {issuer: https://issuer.example, remote_jwks: {http_uri: {uri: "
                   "\"http://keys/jwks\", cluster: keys, timeout: 5s}}, "
                   "claim_to_headers: [{header_name: x-sub, claim_name: sub}]}}, "
                   "rules: [{match: {prefix: /open}}, "
                   "{match: {prefix: /}, requires: {provider_name: p}}]"),
        ClusterText("keys", {keys.port()}));
  EXPECT_EQ(Get("/open").status(), 200);
  EXPECT_EQ(fetched, 0);
  const Message refused = Get("/");
  EXPECT_EQ(refused.status(), 401);
  EXPECT_EQ(refused.body, "Jwt is missing");
  EXPECT_THAT(refused.Header("www-authenticate"), HasSubstr("Bearer realm="));
  for (const char* name : {"RS256", "PS512", "ES384", "EdDSA"}) {
    const Message passed = Get("/", {{"authorization", "Bearer " + TokenOf(name)}});
    EXPECT_EQ(passed.status(), 200) << name;
  }
  EXPECT_EQ(origin_.requests().back().Header("x-sub"), "me");
  EXPECT_EQ(origin_.requests().back().Header("authorization"), "");
  EXPECT_EQ(fetched, 1);
  EXPECT_EQ(Get("/", {{"authorization", "Bearer " + TokenOf("expired")}}).body, "Jwt is expired");
  EXPECT_EQ(proxy_->Stat("http.main.jwt_authn.denied"), 2u);
  EXPECT_EQ(proxy_->Stat("http.main.jwt_authn.allowed"), 5u);
}

TEST_F(AuthTest, AuthorizationByGrpc) {
  GrpcService service([](const std::string& bytes) {
    envoy::service::auth::v3::CheckRequest question;
    EXPECT_TRUE(question.ParseFromString(bytes));
    const auto& http = question.attributes().request().http();
    if (http.path() == "/deny") {
      return Serialized<envoy::service::auth::v3::CheckResponse>(
          "status { code: 7 } denied_response { status { code: Unauthorized } body: 'go away' }");
    }
    return Serialized<envoy::service::auth::v3::CheckResponse>(absl::StrCat(
        "ok_response { headers { header { key: 'x-size' value: '", http.body().size(),
        "' } } } dynamic_metadata { fields { key: 'user' value { string_value: 'me' } } }"));
  });
  const std::string log = ProxyProcess::WriteFile("auth.log", "");
  ConfigText text;
  text.manager = absl::StrCat(
      "access_log: [",
      FileLogText(log,
                  "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:user)% %RESPONSE_CODE% "
                  "%RESPONSE_FLAGS%\\n"),
      "]");
  Start(FilterText("ext_authz", "ExtAuthz",
                   "transport_api_version: V3, grpc_service: {envoy_grpc: {cluster_name: authz}, "
                   "timeout: 10s}, with_request_body: {max_request_bytes: 1000}"),
        ClusterText("authz", {service.port()}, kHttp2), text);
  const Message passed =
      TestClient(port_).Request("POST", "/in", {{"x-size", "forged"}}, std::string(500, 'b'));
  EXPECT_EQ(passed.status(), 200);
  EXPECT_EQ(origin_.requests().back().Header("x-size"), "500");
  EXPECT_EQ(origin_.requests().back().body.size(), 500u);
  const Message denied = Get("/deny");
  EXPECT_EQ(denied.status(), 401);
  EXPECT_EQ(denied.body, "go away");
  EXPECT_EQ(TestClient(port_).Request("POST", "/in", {}, std::string(1001, 'b')).status(), 413);
  EXPECT_EQ(origin_.request_count(), 1u);
  EXPECT_EQ(proxy_->Stat("http.main.ext_authz.ok"), 1u);
  EXPECT_EQ(proxy_->Stat("http.main.ext_authz.denied"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.ext_authz.denied"), 1u);
  EXPECT_EQ(proxy_->Terminate(), 0);
  EXPECT_THAT(ReadText(log), HasSubstr("me 200 -\n"));
  EXPECT_THAT(ReadText(log), HasSubstr("- 401 UAEX\n"));
}

TEST_F(AuthTest, AuthorizationByHttp) {
  FakeOrigin service;
  service.On("/check/in", [](OriginExchange& exchange) {
    const bool known = exchange.request().Header("authorization") == "Basic abc";
    if (known) {
      exchange.Reply(200, {{"x-user", "me"}});
    } else {
      exchange.Reply(403, {{"x-why", "unknown"}}, "who are you");
    }
  });
  Start(FilterText("ext_authz", "ExtAuthz",
                   "http_service: {server_uri: {uri: \"http://authz\", cluster: authz, timeout: "
                   "5s}, path_prefix: /check, authorization_response: {allowed_upstream_headers: "
                   "{patterns: [{exact: x-user}]}}}"),
        ClusterText("authz", {service.port()}));
  EXPECT_EQ(Get("/in", {{"authorization", "Basic abc"}}).status(), 200);
  EXPECT_EQ(origin_.requests().back().Header("x-user"), "me");
  const Message denied = Get("/in");
  EXPECT_EQ(denied.status(), 403);
  EXPECT_EQ(denied.body, "who are you");
  EXPECT_EQ(denied.Header("x-why"), "unknown");
  service.Kill();
  EXPECT_EQ(Get("/in").status(), 403);
  EXPECT_EQ(proxy_->Stat("http.main.ext_authz.error"), 1u);
}

TEST_F(AuthTest, LimitsOfTheProcess) {
  ConfigText text;
  text.routes = RouteText("/", "origin",
                          "rate_limits: [{actions: [{request_headers: {header_name: x-user, "
                          "descriptor_key: user}}]}]");
  Start(FilterText("local_ratelimit", "LocalRateLimit",
                   "stat_prefix: api, token_bucket: {max_tokens: 3, fill_interval: 3600s}, "
                   "filter_enabled: {default_value: {numerator: 100}}, "
                   "filter_enforced: {default_value: {numerator: 100}}, "
                   "descriptors: [{entries: [{key: user, value: a}], "
                   "token_bucket: {max_tokens: 1, fill_interval: 3600s}}]"),
        "", text);
  EXPECT_EQ(Get("/", {{"x-user", "a"}}).status(), 200);
  EXPECT_EQ(Get("/", {{"x-user", "a"}}).status(), 429);
  EXPECT_EQ(Get("/").status(), 200);
  EXPECT_EQ(Get("/").status(), 200);
  EXPECT_EQ(Get("/").body, "local_rate_limited");
  EXPECT_EQ(proxy_->Stat("api.http_local_rate_limit.enforced"), 2u);
}

TEST_F(AuthTest, LimitsOfAService) {
  GrpcService service([](const std::string& bytes) {
    envoy::service::ratelimit::v3::RateLimitRequest question;
    EXPECT_TRUE(question.ParseFromString(bytes));
    const bool over = question.descriptors(0).entries(1).value() == "/over";
    return Serialized<envoy::service::ratelimit::v3::RateLimitResponse>(
        over ? "overall_code: OVER_LIMIT" : "overall_code: OK");
  });
  ConfigText text;
  text.bootstrap = "node: {id: proxy, cluster: fleet}";
  text.routes = RouteText("/", "origin",
                          "rate_limits: [{actions: [{source_cluster: {}}, {request_headers: "
                          "{header_name: \":path\", descriptor_key: path}}]}]");
  Start(FilterText("ratelimit", "RateLimit",
                   "domain: d, timeout: 10s, rate_limit_service: {transport_api_version: V3, "
                   "grpc_service: {envoy_grpc: {cluster_name: rls}}}"),
        ClusterText("rls", {service.port()}, kHttp2), text);
  EXPECT_EQ(Get("/in").status(), 200);
  envoy::service::ratelimit::v3::RateLimitRequest question;
  ASSERT_TRUE(question.ParseFromString(service.last_question()));
  EXPECT_EQ(question.descriptors(0).entries(0).value(), "fleet");
  const Message over = Get("/over");
  EXPECT_EQ(over.status(), 429);
  EXPECT_EQ(over.Header("x-envoy-ratelimited"), "true");
  EXPECT_EQ(proxy_->Stat("cluster.origin.ratelimit.ok"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.ratelimit.over_limit"), 1u);
}

}  // namespace
}  // namespace proxenos::testing
