// Preflights, allowed origins, and where policies come from.
#include <string>

#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/cors/filter.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::cors::v3;
using envoy::config::route::v3::RouteConfiguration;

constexpr char kRoutes[] =
    "virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' } "
    "route { cluster: 'c' } } }";

RouteConfiguration Routes(const std::string& text = kRoutes) {
  RouteConfiguration proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto));
  return proto;
}

class CorsTest : public ::testing::Test {
 protected:
  void Host(const std::string& policy) {
    (*config_.mutable_virtual_hosts(0)->mutable_typed_per_filter_config())["f"] =
        Pack<v3::CorsPolicy>(policy);
  }
  void Route(const std::string& policy) {
    (*config_.mutable_virtual_hosts(0)->mutable_routes(0)->mutable_typed_per_filter_config())["f"] =
        Pack<v3::CorsPolicy>(policy);
  }
  FilterHarness& Send(const std::string& method, const Fields& fields) {
    routes_ = MakeRoutes(config_);
    stream_ = MakeStream(Pack<v3::Cors>(""), {.method = method, .fields = fields}, routes_);
    stream_->SendRequest(true);
    return *stream_;
  }
  std::string Header(const std::string& name) { return Value(stream_->response.headers, name); }

  RouteConfiguration config_ = Routes();
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

constexpr char kPolicy[] =
    "allow_origin_string_match { suffix: '.example' } allow_methods: 'GET,PUT' "
    "allow_headers: '*' expose_headers: 'x-a' max_age: '60' allow_credentials { value: true }";
const Fields kPreflight = {{"origin", "http://a.example"},
                           {"access-control-request-method", "PUT"},
                           {"access-control-request-headers", "x-b,x-c"}};

TEST_F(CorsTest, PreflightIsAnswered) {
  Host(kPolicy);
  FilterHarness& stream = Send("OPTIONS", kPreflight);
  EXPECT_FALSE(stream.request_out.head);
  EXPECT_EQ(ResponseText(stream), "200 ");
  EXPECT_EQ(Header("access-control-allow-origin"), "http://a.example");
  EXPECT_EQ(Header("access-control-allow-methods"), "GET,PUT");
  EXPECT_EQ(Header("access-control-allow-headers"), "x-b,x-c");
  EXPECT_EQ(Header("access-control-allow-credentials"), "true");
  EXPECT_EQ(Header("access-control-max-age"), "60");
}

TEST_F(CorsTest, PreflightOfOthersGoesOnOrIsAnsweredBare) {
  Host(kPolicy);
  Fields fields = kPreflight;
  fields[0].second = "http://evil.test";
  EXPECT_TRUE(Send("OPTIONS", fields).request_out.head);
  Host(std::string(kPolicy) + " forward_not_matching_preflights { value: false }");
  FilterHarness& stream = Send("OPTIONS", fields);
  EXPECT_FALSE(stream.request_out.head);
  EXPECT_EQ(ResponseText(stream), "200 ");
  EXPECT_EQ(Header("access-control-allow-origin"), "-");
}

TEST_F(CorsTest, ResponsesAreMarkedForAllowedOrigins) {
  Host(kPolicy);
  FilterHarness& good = Send("GET", {{"origin", "http://a.example"}});
  EXPECT_TRUE(good.request_out.head);
  good.response.headers.Add("access-control-allow-origin", "*");
  good.SendResponse(200, "", true);
  EXPECT_EQ(Header("access-control-allow-origin"), "http://a.example");
  EXPECT_EQ(Header("access-control-expose-headers"), "x-a");
  FilterHarness& bad = Send("GET", {{"origin", "http://evil.test"}});
  bad.SendResponse(200, "", true);
  EXPECT_EQ(Header("access-control-allow-origin"), "-");
  FilterHarness& none = Send("GET", {});
  none.SendResponse(200, "", true);
  EXPECT_EQ(Header("access-control-allow-origin"), "-");
}

TEST_F(CorsTest, TwoOriginsAreNone) {
  Host(kPolicy);
  FilterHarness& stream =
      Send("GET", {{"origin", "http://a.example"}, {"origin", "http://evil.test"}});
  EXPECT_TRUE(stream.request_out.head);
  stream.SendResponse(200, "", true);
  EXPECT_EQ(Header("access-control-allow-origin"), "-");
}

TEST_F(CorsTest, TheRouteWinsFieldByField) {
  Host(kPolicy);
  Route("allow_methods: 'DELETE'");
  Send("OPTIONS", kPreflight);
  EXPECT_EQ(Header("access-control-allow-methods"), "DELETE");
  EXPECT_EQ(Header("access-control-max-age"), "60");
  Route("filter_enabled { default_value { numerator: 0 } }");
  EXPECT_TRUE(Send("OPTIONS", kPreflight).request_out.head);
}

TEST_F(CorsTest, OriginsAreCountedInTheShadowToo) {
  const auto counts = [this] {
    const auto& stats = *static_cast<cors::CorsPart*>(stream_->worker_parts[0].get())->stats;
    return std::make_pair(stats.origin_valid.value(), stats.origin_invalid.value());
  };
  const auto pair = [](uint64_t a, uint64_t b) { return std::make_pair(a, b); };
  Host(kPolicy);
  Send("GET", {{"origin", "http://a.example"}});
  EXPECT_EQ(counts(), pair(1, 0));
  Host(std::string(kPolicy) +
       " filter_enabled { default_value { numerator: 0 } }"
       " shadow_enabled { default_value { numerator: 100 } }");
  Send("OPTIONS", kPreflight);
  EXPECT_EQ(counts(), pair(1, 0));
  EXPECT_TRUE(stream_->request_out.head);
  Send("GET", {{"origin", "http://evil.test"}});
  EXPECT_EQ(counts(), pair(0, 1));
}

TEST_F(CorsTest, NoPolicyNoCors) { EXPECT_TRUE(Send("OPTIONS", kPreflight).request_out.head); }

TEST_F(CorsTest, DeprecatedFieldsOfRoutes) {
  config_ = Routes(
      "virtual_hosts { name: 'v' domains: '*' cors { allow_origin_string_match { exact: '*' } "
      "allow_methods: 'GET' max_age: '5' } routes { match { prefix: '/' } "
      "route { cluster: 'c' cors { allow_methods: 'POST' } } } }");
  Send("OPTIONS", kPreflight);
  EXPECT_EQ(Header("access-control-allow-origin"), "http://a.example");
  EXPECT_EQ(Header("access-control-allow-methods"), "POST");
  EXPECT_EQ(Header("access-control-max-age"), "5");
}

}  // namespace
}  // namespace proxenos::filters
