// Rate limits by a service on the stream's own loop: what it is asked, what its answers do, and
// that no end of a stream leaves a call behind.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/ratelimit/v3/rate_limit.pb.h"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "gtest/gtest.h"
#include "source/route/rate_limit_config.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::ratelimit::v3;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

constexpr char kService[] =
    "domain: 'd' rate_limit_service { grpc_service { envoy_grpc { cluster_name: 'rls' } } } ";
constexpr char kLimits[] = R"(
    rate_limits { actions { generic_key { descriptor_value: "one" } }
                  actions { request_headers { header_name: "x-user" descriptor_key: "user" } } }
    rate_limits { hits_addend { number { value: 5 } }
                  actions { generic_key { descriptor_value: "two" } } })";

class RateLimitTest : public ::testing::Test {
 protected:
  AsyncStream Make(const std::string& text, const Fields& fields,
                   const std::string& per_route = "") {
    envoy::config::route::v3::RouteConfiguration config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        absl::StrCat(R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
            match { prefix: "/" } route { )",
                     to_, kLimits, " } } }"),
        &config));
    if (!per_route.empty()) {
      (*config.mutable_virtual_hosts(0)
            ->mutable_routes(0)
            ->mutable_typed_per_filter_config())["f"] = Pack<v3::RateLimitPerRoute>(per_route);
    }
    routes_ = MakeRoutes(config);
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<v3::RateLimit>(text))},
        [&](filter::StreamContext& stream) {
          FillRequest({.fields = fields}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          testing::AddCluster(stream.environment.clusters, "origin");
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "rls");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  void Begin(const std::string& text = "",
             const Fields& fields = {{"x-user", "me"}, {"x-user", "another"}},
             const std::string& per_route = "") {
    subject_ = Make(kService + text, fields, per_route);
    stream().SendRequest(true);
  }
  FilterHarness& stream() { return *subject_.stream; }
  Http2OriginStream& Asked(size_t number = 0) {
    auto& origin = subject_.service->origin;
    EXPECT_TRUE(stream().Until(
        [&] { return origin.stream_count() > number && origin.stream(number).complete(); }));
    return origin.stream(number);
  }
  envoy::service::ratelimit::v3::RateLimitRequest Question(size_t number = 0) {
    envoy::service::ratelimit::v3::RateLimitRequest request;
    EXPECT_TRUE(request.ParseFromString(Asked(number).body().substr(5)));
    return request;
  }
  static void Answer(Http2OriginStream& asked, const std::string& text) {
    envoy::service::ratelimit::v3::RateLimitResponse response;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
    asked.Reply(200, {{"content-type", "application/grpc"}}, Frame(response.SerializeAsString()),
                {{"grpc-status", "0"}});
  }
  void Decided() {
    EXPECT_TRUE(stream().Until([this] { return stream().request_out.head || stream().replied(); }));
  }
  void Answer(const std::string& text) {
    Answer(Asked(), text);
    Decided();
  }

  std::string to_ = "cluster: 'origin' ";
  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};
};

TEST_F(RateLimitTest, AsksAboutEachDescriptor) {
  Begin();
  EXPECT_EQ(Asked().head().path, "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
  const auto question = Question();
  EXPECT_EQ(question.domain(), "d");
  ASSERT_EQ(question.descriptors_size(), 2);
  ASSERT_EQ(question.descriptors(0).entries_size(), 2);
  EXPECT_EQ(question.descriptors(0).entries(1).key(), "user");
  EXPECT_EQ(question.descriptors(0).entries(1).value(), "me");
  EXPECT_FALSE(question.descriptors(0).has_hits_addend());
  EXPECT_EQ(question.descriptors(1).hits_addend().value(), 5u);
  Answer(
      "overall_code: OK request_headers_to_add { key: 'x-req' value: '1' } "
      "response_headers_to_add { key: 'x-resp' value: '2' }");
  ASSERT_TRUE(stream().request_out.head);
  EXPECT_EQ(Value(stream().request.headers, "x-req"), "1");
  stream().SendResponse(200, "", true);
  EXPECT_EQ(Value(stream().response.headers, "x-resp"), "2");
  EXPECT_EQ(stream().Stat("cluster.origin.ratelimit.ok"), 1u);
}

TEST_F(RateLimitTest, ClustersThatClientsMakeUpAreNotCounted) {
  to_ = "cluster_header: 'x-to' ";
  Begin("", {{"x-user", "me"}, {"x-to", "made-up"}});
  Answer("overall_code: OK");
  EXPECT_TRUE(stream().request_out.head);
  EXPECT_EQ(stream().Stat("cluster.made-up.ratelimit.ok"), 0u);
  Begin("", {{"x-user", "me"}, {"x-to", "origin"}});
  Answer("overall_code: OK");
  EXPECT_EQ(stream().Stat("cluster.origin.ratelimit.ok"), 1u);
}

TEST_F(RateLimitTest, OverTheLimit) {
  Begin("enable_x_ratelimit_headers: DRAFT_VERSION_03");
  Answer(R"(overall_code: OVER_LIMIT raw_body: "{}"
      response_headers_to_add { key: "content-type" value: "application/json" }
      statuses { code: OK limit_remaining: 7
        current_limit { requests_per_unit: 10 unit: HOUR name: "n" } }
      statuses { code: OVER_LIMIT limit_remaining: 0 duration_until_reset { seconds: 3 }
        current_limit { requests_per_unit: 2 unit: SECOND } }
      dynamic_metadata { fields { key: "k" value { string_value: "v" } } })");
  EXPECT_EQ(ResponseText(stream()), "429 {}");
  const http::HeaderMap& headers = stream().response.headers;
  EXPECT_EQ(Value(headers, "content-type"), "application/json");
  EXPECT_EQ(Value(headers, "x-envoy-ratelimited"), "true");
  EXPECT_EQ(Value(headers, "x-ratelimit-limit"), "2, 10;w=3600;name=\"n\", 2;w=1");
  EXPECT_EQ(Value(headers, "x-ratelimit-remaining"), "0");
  EXPECT_EQ(Value(headers, "x-ratelimit-reset"), "3");
  EXPECT_EQ(stream().info.details, "request_rate_limited");
  EXPECT_EQ(stream().info.flags, filter::kRateLimited);
  EXPECT_EQ(*stream().info.metadata.Find("envoy.filters.http.ratelimit", {"k"})->text(), "v");
  EXPECT_EQ(stream().Stat("cluster.origin.ratelimit.over_limit"), 1u);
}

TEST_F(RateLimitTest, ErrorsFollowTheFailureMode) {
  for (const bool deny : {false, true}) {
    Begin(deny ? "failure_mode_deny: true" : "");
    Asked().Reply(200, {{"content-type", "application/grpc"}, {"grpc-status", "2"}});
    Decided();
    EXPECT_EQ(stream().request_out.head, !deny);
    EXPECT_EQ(stream().Stat("cluster.origin.ratelimit.error"), 1u);
    EXPECT_EQ(stream().Stat("cluster.origin.ratelimit.failure_mode_allowed"), deny ? 0u : 1u);
    if (deny) {
      EXPECT_EQ(ResponseText(stream()), "500 ");
      EXPECT_EQ(stream().info.flags, filter::kRateLimitServiceError);
    }
  }
}

TEST_F(RateLimitTest, AnswersThatMeanNothingAreErrors) {
  for (const std::string& body :
       {std::string("\xff"), std::string(), std::string("\x12\x01\x0a")}) {
    Begin("failure_mode_deny: true");
    Asked().Reply(200, {{"content-type", "application/grpc"}}, Frame(body), {{"grpc-status", "0"}});
    Decided();
    EXPECT_EQ(ResponseText(stream()), "500 ");
  }
}

TEST_F(RateLimitTest, NoAnswerIsATimeout) {
  Begin("failure_mode_deny: true");
  Asked();
  stream().Advance(21 * base::kMillisecond);
  Decided();
  EXPECT_EQ(ResponseText(stream()), "500 ");
}

TEST_F(RateLimitTest, WithoutDescriptorsNobodyIsAsked) {
  Begin("stage: 3");
  EXPECT_TRUE(stream().request_out.head);
  Begin("request_type: 'internal'");
  EXPECT_TRUE(stream().request_out.head);
  Begin("request_type: 'internal'", {{"x-envoy-internal", "true"}});
  EXPECT_FALSE(stream().request_out.head);
}

TEST_F(RateLimitTest, RoutesHaveLimitsAndDomains) {
  Begin("", {},
        "domain: 'other' rate_limits { actions { generic_key { descriptor_value: 'r' } } }");
  const auto question = Question();
  EXPECT_EQ(question.domain(), "other");
  ASSERT_EQ(question.descriptors_size(), 1);
  EXPECT_EQ(question.descriptors(0).entries(0).value(), "r");
}

TEST_F(RateLimitTest, RequestsSayHowManyHitsTheyAre) {
  Begin("", {{"x-tokens", "7"}, {"x-words", "many"}, {"x-most", "1000000001"}}, R"(
      rate_limits { hits_addend { format: "%REQ(x-tokens)%" is_negative_hits: true }
                    actions { generic_key { descriptor_value: "tokens" } } }
      rate_limits { hits_addend { format: "%REQ(x-words)%" }
                    actions { generic_key { descriptor_value: "words" } } }
      rate_limits { hits_addend { format: "%REQ(x-most)%" }
                    actions { generic_key { descriptor_value: "most" } } }
      rate_limits { hits_addend { format: "%REQ(x-none)%" }
                    actions { generic_key { descriptor_value: "none" } } })");
  const auto question = Question();
  ASSERT_EQ(question.descriptors_size(), 1) << "what is no number is not asked about";
  EXPECT_EQ(question.descriptors(0).entries(0).value(), "tokens");
  EXPECT_EQ(question.descriptors(0).hits_addend().value(), 7u);
  EXPECT_TRUE(question.descriptors(0).is_negative_hits());
}

TEST_F(RateLimitTest, RequestsHaveLimitsOfTheirOwn) {
  subject_ = Make(kService, {}, R"(
      rate_limits { limit { dynamic_metadata { metadata_key {
                      key: "plan" path { key: "limit" } } } }
                    actions { generic_key { descriptor_value: "a" } } }
      rate_limits { limit { dynamic_metadata { metadata_key { key: "none" } } }
                    actions { generic_key { descriptor_value: "b" } } })");
  json::Object limit;
  limit.insert_or_assign("requests_per_unit", json::Value(int64_t{42}));
  limit.insert_or_assign("unit", json::Value(std::string("HOUR")));
  stream().info.metadata.Open("plan").insert_or_assign("limit", json::Value(std::move(limit)));
  stream().SendRequest(true);
  const auto question = Question();
  ASSERT_EQ(question.descriptors_size(), 2);
  EXPECT_EQ(question.descriptors(0).limit().requests_per_unit(), 42u);
  EXPECT_EQ(question.descriptors(0).limit().unit(), envoy::type::v3::HOUR);
  EXPECT_FALSE(question.descriptors(1).has_limit());
}

TEST_F(RateLimitTest, ValuesHaveFormats) {
  constexpr char kFormats[] = R"(
      rate_limits { limit { rate_limit { requests_per_unit: 7 unit: HOUR } }
                    actions { generic_key { descriptor_value: "<%REQ(x-one)%%REQ(x-two)%>" } } }
      rate_limits { actions { generic_key { descriptor_key: "k" descriptor_value: "%REQ(x-none)%"
                                            default_value: "d" } } }
      rate_limits { actions { generic_key { descriptor_value: "%REQ(x-none)%" } } })";
  Begin("", {{"x-one", "1"}, {"x-two", "2"}}, kFormats);
  const auto question = Question();
  ASSERT_EQ(question.descriptors_size(), 2);
  EXPECT_EQ(question.descriptors(0).entries(0).value(), "<12>");
  EXPECT_EQ(question.descriptors(0).limit().requests_per_unit(), 7u);
  EXPECT_EQ(question.descriptors(0).limit().unit(), envoy::type::v3::HOUR);
  EXPECT_EQ(question.descriptors(1).entries(0).value(), "d");
  Answer(Asked(), "overall_code: OK");
}

// Once the response has gone: nothing is asked before, and nobody waits for an answer.
TEST_F(RateLimitTest, DescriptorsAreCountedAtTheEnd) {
  constexpr char kAtTheEnd[] = R"(
      rate_limits { apply_on_stream_done: true hits_addend { format: "%RESP(x-cost)%" }
                    actions { generic_key { descriptor_value: "done" } } })";
  Begin("", {}, kAtTheEnd);
  ASSERT_TRUE(stream().request_out.head) << "nobody is asked";
  stream().response.headers.Add("x-cost", "11");
  stream().SendResponse(200, "", true);
  stream().Complete();
  const auto question = Question();
  ASSERT_EQ(question.descriptors_size(), 1);
  EXPECT_EQ(question.descriptors(0).entries(0).value(), "done");
  EXPECT_EQ(question.descriptors(0).hits_addend().value(), 11u);
  Answer(Asked(), "overall_code: OVER_LIMIT");
  EXPECT_TRUE(stream().Until([this] { return Asked().closed(); }));
}

TEST_F(RateLimitTest, OnlyServicesCountSomeLimits) {
  const auto refused = [](const std::string& text) {
    envoy::extensions::filters::http::ratelimit::v3::RateLimitPerRoute proto;
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString("rate_limits { " + text + " }", &proto));
    config::Errors errors;
    const auto make = [](const std::string&, const config::Path&) {
      return route::RateLimitFormat();
    };
    route::CompileRateLimits(proto.rate_limits(), make, errors, config::Path("l"));
    return errors.ok() ? std::string() : errors.list()[0].ToString();
  };
  EXPECT_EQ(refused("apply_on_stream_done: true"),
            "l[0].apply_on_stream_done: is for limits that a service counts (ratelimit)");
  EXPECT_EQ(refused("hits_addend { format: '%BYTES_SENT%' }"),
            "l[0].hits_addend.format: is for limits that a service counts (ratelimit)");
  EXPECT_EQ(refused("hits_addend { number { value: 3 } }"), "");
}

TEST_F(RateLimitTest, StreamsEndInEveryPhase) {
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make(kService, {});
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          Answer(asked, "overall_code: OK");
        };
        made.stream->SendRequest(true);
        return made;
      },
      [](FilterHarness& stream) { return stream.request_out.head || stream.replied(); });
}

}  // namespace
}  // namespace proxenos::filters
