// Responses in the place of others: by status, by fields, by route.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/custom_response/v3/custom_response.pb.h"
#include "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.pb.h"
#include "envoy/extensions/http/custom_response/redirect_policy/v3/redirect_policy.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "envoy/type/matcher/v3/status_code_input.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::custom_response::v3::CustomResponse;
using Policy =
    envoy::extensions::http::custom_response::local_response_policy::v3::LocalResponsePolicy;
using Redirect = envoy::extensions::http::custom_response::redirect_policy::v3::RedirectPolicy;
using Status = envoy::type::matcher::v3::HttpResponseStatusCodeMatchInput;
using StatusClass = envoy::type::matcher::v3::HttpResponseStatusCodeClassMatchInput;
using Field = envoy::type::matcher::v3::HttpResponseHeaderMatchInput;

template <typename Message>
std::string Extension(const std::string& text) {
  std::string out;
  google::protobuf::TextFormat::PrintToString(Pack<Message>(text), &out);
  return "{ name: 'n' typed_config { " + out + " } }";
}

// An entry of a list: where the input's text is `wanted`, the policy.
template <typename Input>
std::string When(const std::string& wanted, const std::string& policy,
                 const std::string& input = "") {
  return "matchers { predicate { single_predicate { input " + Extension<Input>(input) +
         " value_match { exact: '" + wanted + "' } } } on_match { action " +
         Extension<Policy>(policy) + " } } ";
}

std::string Matcher(const std::string& entries) {
  return "custom_response_matcher { matcher_list { " + entries + " } }";
}

class CustomResponseTest : public ::testing::Test {
 protected:
  void Configure(const std::string& text) { factory_ = MakeFactory(Pack<Proto>(text)); }
  // The response as the client gets it, with a content type, of one with these
  // from the origin.
  std::string Ask(uint16_t status, const Fields& fields = {}, const RequestLine& line = {}) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          if (routes_ == nullptr) return;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
        });
    stream_->SendRequest(true);
    stream_->info.details = "via_upstream";
    for (const auto& [name, value] : fields) stream_->response.headers.Add(name, value);
    stream_->SendResponse(status, "original", true);
    return absl::StrCat(ResponseText(*stream_), " ",
                        Value(stream_->response.headers, "content-type"));
  }

  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(CustomResponseTest, ByStatus) {
  Configure(Matcher(When<Status>("404",
                                 "body { inline_string: 'not here' } status_code { value: "
                                 "410 } response_headers_to_add { header { key: 'X-Custom' "
                                 "value: 'yes' } } response_code_details: 'mine'") +
                    When<StatusClass>("5xx",
                                      "body { inline_string: 'sorry' } "
                                      "preserve_response_code_details: true")));
  EXPECT_EQ(Ask(404, {{"x-origin", "1"}}), "410 not here text/plain");
  EXPECT_EQ(Value(stream_->response.headers, "x-custom"), "yes");
  EXPECT_EQ(Value(stream_->response.headers, "x-origin"), "-");
  EXPECT_EQ(stream_->info.details, "mine");
  EXPECT_EQ(Ask(502), "502 sorry text/plain");
  EXPECT_EQ(stream_->info.details, "via_upstream");
  EXPECT_EQ(Ask(200), "200 original -");
}

TEST_F(CustomResponseTest, OnceAlone) {
  Configure(
      Matcher(When<StatusClass>("5xx", "status_code { value: 500 } body { inline_string: 'a' }")));
  EXPECT_EQ(Ask(503), "500 a text/plain");
  EXPECT_FALSE(stream_->aborted());
}

TEST_F(CustomResponseTest, ByFieldsAndFormats) {
  Configure(Matcher(When<Field>("sick",
                                "body { inline_string: 'why' } body_format { json_format { "
                                "fields { key: 'm' value { "
                                "string_value: '%LOCAL_REPLY_BODY% %REQ(:PATH)%' } } } }",
                                "header_name: 'X-State'")));
  EXPECT_EQ(Ask(200, {{"x-state", "sick"}}, {.path = "/p"}),
            "200 {\"m\":\"why /p\"}\n application/json");
  Configure(Matcher(When<Status>("400",
                                 "body { inline_string: 'b' } body_format { text_format_source { "
                                 "inline_string: "
                                 "'<p>%LOCAL_REPLY_BODY%</p>' } content_type: 'text/html' }")));
  EXPECT_EQ(Ask(400), "400 <p>b</p> text/html");
  Configure(Matcher(When<Status>(
      "400", "body_format { text_format_source { inline_string: 'was %RESPONSE_CODE%' } }")));
  EXPECT_EQ(Ask(400), "400 was 400 text/plain");
}

TEST_F(CustomResponseTest, GrpcCallsGetAStatus) {
  Configure(Matcher(When<Status>("503", "body { inline_string: 'busy' }")));
  Ask(503, {}, {.fields = {{"content-type", "application/grpc"}}});
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "14");
  EXPECT_EQ(Value(stream_->response.headers, "grpc-message"), "busy");
}

TEST_F(CustomResponseTest, RoutesGoFirst) {
  Configure(Matcher(When<StatusClass>("5xx", "body { inline_string: 'filter' }")));
  auto config = RouteToOrigin();
  auto* host = config.mutable_virtual_hosts(0);
  (*host->mutable_typed_per_filter_config())["f"] =
      Pack<Proto>(Matcher(When<Status>("502", "body { inline_string: 'host' }")));
  auto* route = host->mutable_routes(0);
  (*route->mutable_typed_per_filter_config())["f"] =
      Pack<Proto>(Matcher(When<Status>("503", "body { inline_string: 'route' }")));
  routes_ = MakeRoutes(config);
  EXPECT_EQ(Ask(503), "503 route text/plain");
  EXPECT_EQ(Ask(502), "502 host text/plain");
  EXPECT_EQ(Ask(500), "500 filter text/plain");
}

TEST_F(CustomResponseTest, NothingConfiguredNothingHappens) {
  Configure("");
  EXPECT_EQ(Ask(500), "500 original -");
}

TEST_F(CustomResponseTest, AnotherResponseIsFetched) {
  const auto configure = [this](const std::string& policy) {
    std::string action;
    google::protobuf::TextFormat::PrintToString(Pack<Redirect>(policy), &action);
    Configure(
        Matcher("matchers { predicate { single_predicate { input " + Extension<Status>("") +
                " value_match { exact: '404' } } } on_match { action { name: 'n' typed_config { " +
                action + " } } } }"));
  };
  const auto target = [this](const std::string& path) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({.path = path}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          stream.info.request_complete = 1;
        });
    stream_->SendRequest(true);
    stream_->SendResponse(404, "original", true);
    const http::RequestHead& head = stream_->request;
    return absl::StrCat(head.method_text, " ", head.scheme, "://", head.authority, head.path);
  };
  routes_ = MakeRoutes(RouteToOrigin());
  configure("uri: 'https://other:8443/sorry?a=b#c'");
  EXPECT_EQ(target("/x?y=z"), "GET https://other:8443/sorry?a=b");
  configure("redirect_action { path_redirect: '/sorry' port_redirect: 99 }");
  EXPECT_EQ(target("/x?y=z"), "GET http://host:99/sorry?y=z");
  configure("redirect_action { path_redirect: '/sorry' strip_query: true }");
  EXPECT_EQ(target("/x?y=z"), "GET http://host/sorry");
  configure(
      "redirect_action { host_redirect: 'other' https_redirect: true } status_code { value: 299 } "
      "request_headers_to_add { header { key: 'x-why' value: 'lost' } } "
      "response_headers_to_add { header { key: 'x-from' value: 'other' } }");
  EXPECT_EQ(target("/x?y=z"), "GET https://other/x?y=z");
  EXPECT_EQ(Value(stream_->request.headers, "x-why"), "lost");
  EXPECT_FALSE(stream_->response_out.head);
  ASSERT_NE(stream_->internal_redirects, nullptr);
  EXPECT_TRUE(stream_->internal_redirects->pending);
  EXPECT_EQ(stream_->internal_redirects->errand_status, 404);
  // What it brings is shaped, unless it is an error; and nothing begins again.
  for (const uint16_t status : {200, 404}) {
    const auto errand = stream_->internal_redirects->errand;
    FilterHarness again(filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
      FillRequest({}, stream.request, stream.arena);
      stream.internal_redirects = std::make_unique<filter::InternalRedirects>();
      stream.internal_redirects->errand = errand;
    });
    again.SendRequest(true);
    again.SendResponse(status, "fetched", true);
    EXPECT_EQ(ResponseText(again), status == 200 ? "299 fetched" : "404 fetched");
    EXPECT_EQ(Value(again.response.headers, "x-from"), status == 200 ? "other" : "-");
    EXPECT_FALSE(again.internal_redirects->pending);
  }
}

TEST_F(CustomResponseTest, WhereNoRouteLeadsNothingIsFetched) {
  auto config = RouteToOrigin();
  config.mutable_virtual_hosts(0)->set_domains(0, "host");
  routes_ = MakeRoutes(config);
  std::string action;
  google::protobuf::TextFormat::PrintToString(Pack<Redirect>("uri: 'http://other/'"), &action);
  Configure(Matcher("matchers { predicate { single_predicate { input " + Extension<Status>("") +
                    " value_match { exact: '404' } } } on_match { action { name: 'n' "
                    "typed_config { " +
                    action + " } } } }"));
  EXPECT_EQ(Ask(404), "404 original -");
  EXPECT_EQ(stream_->request.authority, "host");
}

}  // namespace
}  // namespace proxenos::filters
