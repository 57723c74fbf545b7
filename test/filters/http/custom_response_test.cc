// Responses in the place of others: by status, by fields, by route.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/custom_response/v3/custom_response.pb.h"
#include "envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "envoy/type/matcher/v3/status_code_input.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::custom_response::v3::CustomResponse;
using Policy =
    envoy::extensions::http::custom_response::local_response_policy::v3::LocalResponsePolicy;
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

}  // namespace
}  // namespace proxenos::filters
