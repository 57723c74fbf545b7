// External authorization against a service on the stream's own loop: what it is asked, what its
// answers do, and that no end of a stream leaves a call behind.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/service/auth/v3/external_auth.pb.h"
#include "gtest/gtest.h"
#include "source/json/value.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::ext_authz::v3;
using envoy::service::auth::v3::CheckRequest;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

constexpr char kGrpc[] = "grpc_service { envoy_grpc { cluster_name: 'authz' } } ";
constexpr char kHttp[] =
    "http_service { server_uri { uri: 'http://authz/x' cluster: 'authz' timeout { seconds: 1 } } ";

class ExtAuthzTest : public ::testing::Test {
 protected:
  // A stream through the filter, to a route whose overrides are `per_route`.
  AsyncStream Make(const std::string& text, const RequestLine& line = {},
                   const std::string& per_route = "") {
    AsyncStream made{};
    routes_ = Routes(per_route);
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<v3::ExtAuthz>(text))},
        [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          connection_.local = *net::Address::FromIp("10.0.0.1", 80);
          stream.info.connection = &connection_;
          connection_.direct_remote = *net::Address::FromIp("10.0.0.2", 1234);
          // As fields tell it.
          stream.info.remote = *net::Address::FromIp("1.2.3.4", 0);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          if (origin_is_there_) testing::AddCluster(stream.environment.clusters, "origin");
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "authz");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  // The same, kept, with the request's head sent.
  void Begin(const std::string& text, const RequestLine& line = {},
             const std::string& per_route = "") {
    subject_ = Make(text, line, per_route);
    stream().SendRequest(true);
  }
  FilterHarness& stream() { return *subject_.stream; }
  // The question, once it is whole.
  Http2OriginStream& Asked() {
    auto& origin = subject_.service->origin;
    EXPECT_TRUE(
        stream().Until([&] { return origin.stream_count() > 0 && origin.stream(0).complete(); }));
    return origin.stream(0);
  }
  CheckRequest Question() {
    CheckRequest request;
    EXPECT_TRUE(request.ParseFromString(Asked().body().substr(5)));
    return request;
  }
  static void Answer(Http2OriginStream& asked, const std::string& text) {
    envoy::service::auth::v3::CheckResponse response;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
    asked.Reply(200, {{"content-type", "application/grpc"}}, Frame(response.SerializeAsString()),
                {{"grpc-status", "0"}});
  }
  void Answer(const std::string& text) {
    Answer(Asked(), text);
    Decided();
  }
  void Decided() {
    EXPECT_TRUE(stream().Until([this] { return stream().request_out.head || stream().replied(); }));
  }
  bool passed() { return stream().request_out.head; }
  uint64_t Stat(const std::string& name) { return stream().Stat(name); }

  bool origin_is_there_ = true;
  filter::ConnectionInfo connection_;
  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};

 private:
  static std::shared_ptr<const route::RouteTable> Routes(const std::string& per_route) {
    auto config = RouteToOrigin();
    auto* host = config.mutable_virtual_hosts(0);
    auto* route = host->mutable_routes(0);
    if (!per_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] = Pack<v3::ExtAuthzPerRoute>(per_route);
      (*host->mutable_typed_per_filter_config())["f"] = Pack<v3::ExtAuthzPerRoute>(
          "check_settings { context_extensions { key: 'of' value: 'host' } "
          "context_extensions { key: 'only' value: 'host' } }");
    }
    return MakeRoutes(config);
  }
};

TEST_F(ExtAuthzTest, TellsOfTheRequest) {
  Begin(kGrpc, {.method = "GET",
                .path = "/a?b=c",
                .fields = {{"x-one", "1"}, {"x-two", "2"}, {"x-two", "3"}, {"x-bad", "\xff"}}});
  EXPECT_FALSE(passed());
  EXPECT_EQ(Asked().head().path, "/envoy.service.auth.v3.Authorization/Check");
  const CheckRequest question = Question();
  const auto& attributes = question.attributes();
  EXPECT_EQ(attributes.source().address().socket_address().address(), "10.0.0.2");
  EXPECT_EQ(attributes.source().address().socket_address().port_value(), 1234u);
  EXPECT_EQ(attributes.destination().address().socket_address().address(), "10.0.0.1");
  const auto& http = attributes.request().http();
  EXPECT_EQ(http.method(), "GET");
  EXPECT_EQ(http.path(), "/a?b=c");
  EXPECT_EQ(http.host(), "host");
  EXPECT_EQ(http.scheme(), "http");
  EXPECT_EQ(http.protocol(), "HTTP/1.1");
  EXPECT_EQ(http.headers().at("x-one"), "1");
  EXPECT_EQ(http.headers().at("x-two"), "2,3");
  EXPECT_EQ(http.headers().at("x-bad"), "!");
  EXPECT_EQ(http.headers().at(":path"), "/a?b=c");
  Answer("");
  EXPECT_TRUE(passed());
  EXPECT_EQ(Stat("http.test.ext_authz.ok"), 1u);
  EXPECT_EQ(Stat("cluster.origin.ext_authz.ok"), 1u);
}

TEST_F(ExtAuthzTest, ClustersThatAreNotThereAreNotCounted) {
  origin_is_there_ = false;
  Begin(kGrpc);
  Answer("");
  EXPECT_TRUE(passed());
  EXPECT_EQ(Stat("http.test.ext_authz.ok"), 1u);
  EXPECT_EQ(Stat("cluster.origin.ext_authz.ok"), 0u);
}

TEST_F(ExtAuthzTest, AllowedChangesTheRequestAndItsResponse) {
  Begin(std::string(kGrpc) + "clear_route_cache: true",
        {.path = "/p?keep=1&drop=2", .fields = {{"x-old", "1"}, {"x-join", "a"}, {"x-gone", "1"}}});
  Answer(R"(ok_response {
    headers { header { key: "X-Old" value: "2" } }
    headers { header { key: "x-new" value: "n" } }
    headers { header { key: "x-join" value: "b" } append { value: true } }
    headers { header { key: "x-none" value: "b" } append { value: true } }
    headers { header { key: "content-length" value: "99" } }
    headers { header { key: "x-bad" value: "a\r\nb" } }
    headers { header { key: ":authority" value: "other" } }
    headers_to_remove: "x-gone" headers_to_remove: ":path" headers_to_remove: "host"
    query_parameters_to_set { key: "set" value: "3" }
    query_parameters_to_remove: "drop"
    response_headers_to_add { header { key: "x-added" value: "1" } }
    response_headers_to_add { header { key: "x-absent" value: "1" } append_action: ADD_IF_ABSENT }
    response_headers_to_add {
      header { key: "x-there" value: "1" } append_action: OVERWRITE_IF_EXISTS }
    response_headers_to_add {
      header { key: "x-not" value: "1" } append_action: OVERWRITE_IF_EXISTS }
  } dynamic_metadata { fields { key: "who" value { string_value: "me" } } })");
  ASSERT_TRUE(passed());
  const http::RequestHead& head = stream().request;
  EXPECT_EQ(Value(head.headers, "x-old"), "2");
  EXPECT_EQ(Value(head.headers, "x-new"), "n");
  EXPECT_EQ(Value(head.headers, "x-join"), "a,b");
  EXPECT_EQ(Value(head.headers, "x-none"), "-");
  EXPECT_EQ(Value(head.headers, "x-gone"), "-");
  EXPECT_EQ(Value(head.headers, "x-bad"), "-");
  EXPECT_EQ(Value(head.headers, "content-length"), "-");
  EXPECT_EQ(head.authority, "other");
  EXPECT_EQ(head.path, "/p?keep=1&set=3");
  EXPECT_EQ(stream().reroutes, 1);
  const json::Value* who = stream().info.metadata.Find("envoy.filters.http.ext_authz", {"who"});
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(*who->text(), "me");
  stream().response.headers.Add("x-added", "0");
  stream().response.headers.Add("x-there", "0");
  stream().SendResponse(200, "body", true);
  EXPECT_EQ(Value(stream().response.headers, "x-added"), "0");
  EXPECT_EQ(stream().response.headers.size(), 4u);
  EXPECT_EQ(Value(stream().response.headers, "x-absent"), "1");
  EXPECT_EQ(Value(stream().response.headers, "x-there"), "1");
  EXPECT_EQ(Value(stream().response.headers, "x-not"), "-");
}

TEST_F(ExtAuthzTest, DeniedRepliesAsTold) {
  Begin(kGrpc);
  Answer(R"(status { code: 7 } denied_response { status { code: Unauthorized } body: "no"
    headers { header { key: "www-authenticate" value: "Basic" } }
    headers { header { key: "set-cookie" value: "a=1" } }
    headers { header { key: "set-cookie" value: "b=2" } }
    headers { header { key: "content-type" value: "text/html" } } })");
  EXPECT_EQ(ResponseText(stream()), "401 no");
  EXPECT_EQ(Value(stream().response.headers, "www-authenticate"), "Basic");
  EXPECT_EQ(Value(stream().response.headers, "content-type"), "text/html");
  EXPECT_EQ(stream().response.headers.Count(http::HeaderId::kSetCookie), 2u);
  EXPECT_EQ(stream().info.details, "ext_authz_denied");
  EXPECT_EQ(stream().info.flags, filter::kUnauthorizedExternalService);
  EXPECT_EQ(Stat("http.test.ext_authz.denied"), 1u);
}

TEST_F(ExtAuthzTest, DeniedGrpcCallsStayGrpc) {
  Begin(kGrpc, {.fields = {{"content-type", "application/grpc"}}});
  Answer(R"(status { code: 7 } denied_response { status { code: Forbidden } body: "no"
    headers { header { key: "content-type" value: "text/html" } }
    headers { header { key: "x-why" value: "1" } } })");
  EXPECT_EQ(stream().response.status, 200);
  EXPECT_EQ(Value(stream().response.headers, "content-type"), "application/grpc");
  EXPECT_EQ(Value(stream().response.headers, "grpc-status"), "7");
  EXPECT_EQ(Value(stream().response.headers, "x-why"), "1");
}

TEST_F(ExtAuthzTest, DeniedWithoutDetailsIs403) {
  Begin(kGrpc);
  Answer("status { code: 16 }");
  EXPECT_EQ(ResponseText(stream()), "403 ");
}

TEST_F(ExtAuthzTest, ErrorsFollowTheFailureMode) {
  const struct {
    const char* settings;
    const char* outcome;
  } kCases[] = {
      {"", "403 "},
      {"status_on_error { code: ServiceUnavailable }", "503 "},
      {"failure_mode_allow: true", "passed"},
      {"failure_mode_allow: true failure_mode_allow_header_add: true", "passed true"},
  };
  for (const auto& one : kCases) {
    Begin(std::string(kGrpc) + one.settings);
    Asked().Reply(200, {{"content-type", "application/grpc"}, {"grpc-status", "14"}});
    Decided();
    std::string outcome = ResponseText(stream());
    if (passed()) {
      const std::string mark = Value(stream().request.headers, "x-envoy-auth-failure-mode-allowed");
      outcome = mark == "-" ? "passed" : "passed " + mark;
    }
    EXPECT_EQ(outcome, one.outcome);
    EXPECT_EQ(Stat("http.test.ext_authz.error"), 1u);
    EXPECT_EQ(Stat("http.test.ext_authz.failure_mode_allowed"), passed() ? 1u : 0u);
  }
}

TEST_F(ExtAuthzTest, AnswersThatMeanNothingAreErrors) {
  for (const std::string& body : {std::string("\xff\xff"), std::string("\x12\x05x")}) {
    Begin(kGrpc);
    Asked().Reply(200, {{"content-type", "application/grpc"}}, Frame(body), {{"grpc-status", "0"}});
    Decided();
    EXPECT_EQ(ResponseText(stream()), "403 ");
    EXPECT_EQ(stream().info.details, "ext_authz_error");
  }
}

TEST_F(ExtAuthzTest, MissingClusterIsAnError) {
  Begin("grpc_service { envoy_grpc { cluster_name: 'other' } }");
  EXPECT_EQ(ResponseText(stream()), "403 ");
}

TEST_F(ExtAuthzTest, NoAnswerIsATimeout) {
  Begin(kGrpc);
  Asked();
  stream().Advance(199 * base::kMillisecond);
  stream().Turn();
  EXPECT_FALSE(stream().replied());
  stream().Advance(2 * base::kMillisecond);
  Decided();
  EXPECT_EQ(ResponseText(stream()), "403 ");
}

TEST_F(ExtAuthzTest, InvalidMutationsAreRefusedWhereAskedFor) {
  for (const char* text :
       {R"(ok_response { headers { header { key: "x" value: "a\nb" } } })",
        R"(ok_response { response_headers_to_add { header { key: "b d" value: "" } } })",
        R"(ok_response { query_parameters_to_set { key: "a&b" value: "" } })",
        R"(status { code: 7 } denied_response { headers { header { key: "(" value: "" } } })"}) {
    Begin(std::string(kGrpc) + "validate_mutations: true");
    Answer(text);
    EXPECT_EQ(ResponseText(stream()), "500 ") << text;
    EXPECT_EQ(stream().info.details, "ext_authz_invalid");
    EXPECT_EQ(Stat("http.test.ext_authz.invalid"), 1u);
  }
}

TEST_F(ExtAuthzTest, SecondAnswerChangesNothing) {
  Begin(kGrpc);
  envoy::service::auth::v3::CheckResponse yes;
  const std::string frame = Frame(yes.SerializeAsString());
  Asked().Reply(200, {{"content-type", "application/grpc"}}, frame + frame, {{"grpc-status", "0"}});
  Decided();
  EXPECT_EQ(ResponseText(stream()), "403 ");  // Two messages are no unary answer.
  EXPECT_EQ(Stat("http.test.ext_authz.error"), 1u);
}

TEST_F(ExtAuthzTest, BodyIsSentWhole) {
  subject_ = Make(std::string(kGrpc) + "with_request_body { max_request_bytes: 10 }");
  stream().SendRequest(false);
  stream().SendRequestBody("12345", false);
  EXPECT_EQ(subject_.service->origin.stream_count(), 0u);
  stream().SendRequestBody("6789\xff", true);
  const CheckRequest question = Question();
  const auto& http = question.attributes().request().http();
  EXPECT_EQ(http.body(), "123456789!");
  EXPECT_EQ(http.headers().at("x-envoy-auth-partial-body"), "false");
  Answer("");
  EXPECT_EQ(stream().request_out.body.ToString(), "123456789\xff");
}

TEST_F(ExtAuthzTest, BodyBeyondTheLimitIsRefused) {
  subject_ = Make(std::string(kGrpc) + "with_request_body { max_request_bytes: 10 }");
  stream().SendRequest(false);
  stream().SendRequestBody("12345678901", false);
  EXPECT_EQ(stream().response.status, 413);
}

TEST_F(ExtAuthzTest, BeginningOfABodyIsEnoughWhereAllowed) {
  subject_ = Make(std::string(kGrpc) +
                  "with_request_body { max_request_bytes: 4 allow_partial_message: true "
                  "pack_as_bytes: true }");
  stream().SendRequest(false);
  stream().SendRequestBody("ab", false);
  stream().Turn();
  EXPECT_EQ(subject_.service->origin.stream_count(), 0u);
  stream().SendRequestBody(
      "\xff"
      "de",
      false);
  const CheckRequest question = Question();
  const auto& http = question.attributes().request().http();
  EXPECT_EQ(http.raw_body(),
            "ab\xff"
            "d");
  EXPECT_EQ(http.headers().at("x-envoy-auth-partial-body"), "true");
  Answer("");
  stream().SendRequestBody("f", true);
  EXPECT_EQ(stream().request_out.body.ToString(),
            "ab\xff"
            "def");
  EXPECT_TRUE(stream().request_out.end);
}

TEST_F(ExtAuthzTest, RoutesDecide) {
  Begin(kGrpc, {}, "disabled: true");
  EXPECT_TRUE(passed());
  Begin(kGrpc, {}, "check_settings { context_extensions { key: 'of' value: 'route' } }");
  const CheckRequest question = Question();
  const auto& extensions = question.attributes().context_extensions();
  EXPECT_EQ(extensions.at("of"), "route");
  EXPECT_EQ(extensions.at("only"), "host");
}

TEST_F(ExtAuthzTest, EnabledForAShare) {
  Begin(std::string(kGrpc) + "filter_enabled { default_value { numerator: 0 } }");
  EXPECT_TRUE(passed());
  EXPECT_EQ(Stat("http.test.ext_authz.disabled"), 1u);
  Begin(std::string(kGrpc) +
        "filter_enabled { default_value { numerator: 0 } } "
        "deny_at_disable { default_value { value: true } }");
  EXPECT_EQ(ResponseText(stream()), "403 ");
}

TEST_F(ExtAuthzTest, RulesSayWhatOfARequestMayBeChanged) {
  const std::string answer =
      R"(ok_response { headers { header { key: "x-a" value: "1" } }
           headers { header { key: "x-envoy-b" value: "1" } }
           headers { header { key: ":authority" value: "other" } } headers_to_remove: "x-gone" })";
  const std::string rules = std::string(kGrpc) + "decoder_header_mutation_rules ";
  Begin(rules + "{ disallow_expression { regex: 'x-gone' } }", {.fields = {{"x-gone", "1"}}});
  Answer(answer);
  ASSERT_TRUE(passed());
  EXPECT_EQ(Value(stream().request.headers, "x-a"), "1");
  EXPECT_EQ(Value(stream().request.headers, "x-envoy-b"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-gone"), "1");
  EXPECT_EQ(stream().request.authority, "host");
  Begin(rules + "{ allow_envoy { value: true } allow_all_routing { value: true } }");
  Answer(answer);
  EXPECT_EQ(stream().request.authority, "other");
  Begin(rules + "{ disallow_is_error { value: true } }");
  Answer(answer);
  EXPECT_FALSE(passed());
  EXPECT_EQ(ResponseText(stream()), "500 ");
}

TEST_F(ExtAuthzTest, InShadowTheDecisionIsOnlyLeftBehind) {
  const auto left = [this](const std::string& answer) {
    Begin(std::string(kGrpc) + "shadow_mode: true status_on_error { code: BadGateway }");
    Answer(answer);
    EXPECT_TRUE(passed());
    const std::string* state = stream().info.state.Find("f.shadow");
    return state == nullptr ? "none" : *state;
  };
  EXPECT_EQ(left("ok_response {}"), R"({"check_result":"OK","status_code":200})");
  EXPECT_EQ(left(R"(status { code: 7 } denied_response { status { code: Unauthorized }
                    headers { header { key: "x-why" value: "a\"b" } } body: "no" })"),
            R"({"check_result":"DENIED","status_code":401,)"
            R"("response_headers":[{"key":"x-why","value":"a\"b"}]})");
  EXPECT_EQ(Stat("http.test.ext_authz.denied"), 1u);
  EXPECT_EQ(left("error_response {}"), R"({"check_result":"ERROR","status_code":502})");
}

TEST_F(ExtAuthzTest, NotesStandInFilterState) {
  const auto left = [this](const std::string& notes) {
    Begin(std::string(kGrpc) + notes);
    const auto found = [this] {
      const std::string* state = stream().info.state.Find("f");
      return state == nullptr ? std::string("none") : *state;
    };
    const std::string before = found();
    Asked();
    stream().Advance(3 * base::kMillisecond);
    Answer("");
    return absl::StrCat(before, " ", found());
  };
  const std::string metadata =
      "filter_metadata { fields { key: 'k' value { string_value: 'v' } } }";
  EXPECT_EQ(left(""), "none none");
  EXPECT_EQ(left(metadata), R"({"k":"v"} {"k":"v"})");
  EXPECT_EQ(left(metadata + " emit_filter_state_stats: true"),
            R"({"k":"v"} {"k":"v","latency_us":3000})");
  // A request that nobody is asked about leaves nothing.
  Begin(std::string(kGrpc) + metadata + "filter_enabled { default_value { numerator: 0 } }");
  EXPECT_EQ(stream().info.state.Find("f"), nullptr);
}

TEST_F(ExtAuthzTest, FieldsOfResponsesHaveALimit) {
  const auto status = [this](const std::string& more, int fields, size_t size, bool same) {
    Begin(std::string(kGrpc) + more);
    std::string answer;
    for (int i = 0; i < fields; ++i) {
      absl::StrAppend(&answer, "response_headers_to_add { header { key: 'x-", same ? 0 : i,
                      "' value: '", std::string(size, 'v'),
                      "' } append_action: OVERWRITE_IF_EXISTS_OR_ADD } ");
    }
    Answer(absl::StrCat("ok_response { ", answer, " }"));
    EXPECT_TRUE(passed());
    stream().response.headers.Add("x-own", std::string(1000, 'o'));
    stream().SendResponse(200, "body", true);
    EXPECT_TRUE(stream().Until([this] { return stream().response_out.end; }));
    return stream().response.status;
  };
  const std::string limits = "enforce_response_header_limits: true";
  EXPECT_EQ(status("", 120, 1, false), 200);
  EXPECT_EQ(status(limits, 98, 1, false), 200);
  EXPECT_EQ(status(limits, 120, 1, true), 200);
  EXPECT_EQ(Stat("http.test.ext_authz.response_header_limits_reached"), 0u);
  EXPECT_EQ(status(limits, 99, 1, false), 500);
  EXPECT_EQ(stream().response_out.body.size(), 0u);
  EXPECT_EQ(Value(stream().response.headers, "x-0"), "-");
  EXPECT_EQ(Stat("http.test.ext_authz.response_header_limits_reached"), 1u);
  EXPECT_EQ(status(limits, 17, 3600, false), 500);
}

TEST_F(ExtAuthzTest, EnabledByMetadata) {
  const std::string by_metadata = std::string(kGrpc) +
                                  "filter_enabled_metadata { filter: 'space' path { key: 'k' } "
                                  "value { string_match { exact: 'v' } } }";
  Begin(by_metadata);
  EXPECT_TRUE(passed());
  EXPECT_EQ(Stat("http.test.ext_authz.disabled"), 1u);
  subject_ = Make(by_metadata);
  stream().info.metadata.Set("space", "k", json::Value(std::string("v")));
  stream().SendRequest(true);
  EXPECT_FALSE(passed());
  Answer("");
  EXPECT_TRUE(passed());
}

TEST_F(ExtAuthzTest, HttpServiceSeesLittleAndDecides) {
  Begin(
      std::string(kHttp) +
          "path_prefix: '/check' authorization_request { headers_to_add { key: 'x-me' value: 'p' } "
          "allowed_headers { patterns { exact: 'x-id' } } } authorization_response { "
          "allowed_upstream_headers { patterns { prefix: 'x-up' } } "
          "allowed_upstream_headers_to_append { patterns { exact: 'x-join' } "
          "patterns { exact: 'x-new' } } "
          "allowed_client_headers_on_success { patterns { exact: 'x-client' } } "
          "dynamic_metadata_from_headers { patterns { exact: 'x-meta' } } } }",
      {.method = "PUT",
       .path = "/a?b",
       .fields = {{"authorization", "Bearer x"},
                  {"x-id", "7"},
                  {"x-hidden", "1"},
                  {"x-join", "a"},
                  {"x-drop", "d"}}});
  Http2OriginStream& asked = Asked();
  EXPECT_EQ(asked.head().method_text, "PUT");
  EXPECT_EQ(asked.head().path, "/check/a?b");
  EXPECT_EQ(asked.head().authority, "host");
  EXPECT_EQ(asked.Header("authorization"), "Bearer x");
  EXPECT_EQ(asked.Header("x-id"), "7");
  EXPECT_EQ(asked.Header("x-me"), "p");
  EXPECT_EQ(asked.Header("x-hidden"), "");
  EXPECT_EQ(asked.Header("content-length"), "0");
  asked.Reply(200, {{"x-up-user", "u"},
                    {"x-join", "b"},
                    {"x-new", "n"},
                    {"x-client", "c"},
                    {"x-meta", "m"},
                    {"x-other", "o"},
                    {"x-envoy-auth-headers-to-remove", "x-drop, x-none"}});
  Decided();
  ASSERT_TRUE(passed());
  const http::HeaderMap& headers = stream().request.headers;
  EXPECT_EQ(Value(headers, "x-up-user"), "u");
  std::string joined;
  for (const http::Header& field : headers) {
    if (field.name() == "x-join") absl::StrAppend(&joined, field.value(), ";");
  }
  EXPECT_EQ(joined, "a;b;");
  EXPECT_EQ(Value(headers, "x-new"), "n");
  EXPECT_EQ(Value(headers, "x-other"), "-");
  EXPECT_EQ(Value(headers, "x-drop"), "-");
  EXPECT_EQ(*stream().info.metadata.Find("envoy.filters.http.ext_authz", {"x-meta"})->text(), "m");
  stream().SendResponse(200, "", true);
  EXPECT_EQ(Value(stream().response.headers, "x-client"), "c");
}

TEST_F(ExtAuthzTest, HttpDenialsAndErrors) {
  Begin(std::string(kHttp) + "}");
  Asked().Reply(302, {{"location", "/login"}, {"x-why", "because"}}, "go");
  Decided();
  EXPECT_EQ(ResponseText(stream()), "302 go");
  EXPECT_EQ(Value(stream().response.headers, "location"), "/login");
  EXPECT_EQ(Value(stream().response.headers, "x-why"), "because");
  Begin(std::string(kHttp) +
        "authorization_response { allowed_client_headers { patterns { exact: 'x-none' } } } }");
  Asked().Reply(401, {{"www-authenticate", "Basic"}, {"x-why", "because"}});
  Decided();
  EXPECT_EQ(stream().response.status, 401);
  EXPECT_EQ(Value(stream().response.headers, "www-authenticate"), "Basic");
  EXPECT_EQ(Value(stream().response.headers, "x-why"), "-");
  Begin(std::string(kHttp) + "}");
  Asked().Reply(503);
  Decided();
  EXPECT_EQ(ResponseText(stream()), "403 ");
  EXPECT_EQ(stream().info.details, "ext_authz_error");
}

TEST_F(ExtAuthzTest, HttpServiceIsAskedAgainWherePolicySaysSo) {
  Begin(std::string(kHttp) +
        "retry_policy { retry_on: '5xx' num_retries { value: 1 } "
        "retry_back_off { base_interval { nanos: 200000000 } } } }");
  Asked().Reply(503);
  for (int i = 0; i < 10; ++i) stream().TurnIn(base::kMillisecond);
  EXPECT_EQ(subject_.service->origin.stream_count(), 1u);
  EXPECT_FALSE(stream().replied());
  stream().Advance(300 * base::kMillisecond);
  auto& origin = subject_.service->origin;
  ASSERT_TRUE(
      stream().Until([&] { return origin.stream_count() == 2 && origin.stream(1).complete(); }));
  origin.stream(1).Reply(500);
  Decided();
  EXPECT_EQ(ResponseText(stream()), "403 ");
  EXPECT_EQ(stream().Stat("http.test.ext_authz.error"), 1u);
}

TEST_F(ExtAuthzTest, NoCallIsMadeAgainBeyondTheTimeout) {
  Begin(std::string(kHttp) +
        "retry_policy { retry_on: '5xx' num_retries { value: 9 } "
        "retry_back_off { base_interval { seconds: 2 } } } }");
  Asked().Reply(503);
  Decided();
  EXPECT_EQ(ResponseText(stream()), "403 ");
  EXPECT_EQ(subject_.service->origin.stream_count(), 1u);
}

TEST_F(ExtAuthzTest, StreamsEndInEveryPhase) {
  for (const std::string& config : {std::string(kGrpc), std::string(kHttp) + "}"}) {
    testing::EndInEveryPhase(
        [&] {
          AsyncStream made = Make(config);
          made.service->origin.on_request = [](Http2OriginStream& asked) { Answer(asked, ""); };
          made.stream->SendRequest(true);
          return made;
        },
        [](FilterHarness& stream) { return stream.request_out.head || stream.replied(); });
  }
}

}  // namespace
}  // namespace proxenos::filters
