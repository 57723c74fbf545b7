// The buffer filter, and what routes may say of any filter: off, on, other settings.
#include <string>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::buffer::v3;
using envoy::config::route::v3::FilterConfig;
using envoy::config::route::v3::RouteConfiguration;
using google::protobuf::Any;

Any Limit(int bytes) {
  return Pack<v3::Buffer>(absl::StrCat("max_request_bytes { value: ", bytes, " }"));
}
Any RouteLimit(int bytes) {
  return Pack<v3::BufferPerRoute>(
      absl::StrCat("buffer { max_request_bytes { value: ", bytes, " } }"));
}

TEST(BufferTest, RequestsWaitUntilTheyAreWhole) {
  auto stream = MakeStream(Limit(10), {});
  stream->SendRequest(false);
  stream->SendRequestBody("12345", false);
  EXPECT_FALSE(stream->request_out.head);
  stream->SendRequestBody("67890", true);
  EXPECT_EQ(stream->request_out.body.ToString(), "1234567890");
  EXPECT_EQ(Value(stream->request.headers, "content-length"), "10");
  EXPECT_EQ(stream->request.framing.kind, http::Framing::kLength);
}

TEST(BufferTest, TooLargeIsRefusedHoweverItComes) {
  for (const bool at_once : {false, true}) {
    auto stream = MakeStream(Limit(10), {});
    stream->SendRequest(false);
    stream->SendRequestBody("12345678901", at_once);
    EXPECT_EQ(ResponseText(*stream), "413 Payload Too Large") << at_once;
    EXPECT_FALSE(stream->request_out.head);
  }
}

// How a request of seven bytes fares, with `table`, `host`, `route` and `weight` as the levels'
// overrides (an empty type_url: none).
struct Levels {
  Any table = {};
  Any host = {};
  Any route = {};
  Any weight = {};
};

std::string Fare(const Levels& levels, bool disabled = false) {
  RouteConfiguration config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "virtual_hosts { name: 'v' domains: '*' routes { match { prefix: '/' } route { "
      "weighted_clusters { clusters { name: 'c' weight { value: 1 } } } } } }",
      &config));
  auto& host = *config.mutable_virtual_hosts(0);
  auto& route = *host.mutable_routes(0);
  auto& weight = *route.mutable_route()->mutable_weighted_clusters()->mutable_clusters(0);
  if (!levels.table.type_url().empty()) {
    (*config.mutable_typed_per_filter_config())["f"] = levels.table;
  }
  if (!levels.host.type_url().empty()) {
    (*host.mutable_typed_per_filter_config())["f"] = levels.host;
  }
  if (!levels.route.type_url().empty()) {
    (*route.mutable_typed_per_filter_config())["f"] = levels.route;
  }
  if (!levels.weight.type_url().empty()) {
    (*weight.mutable_typed_per_filter_config())["f"] = levels.weight;
  }
  const auto routes = MakeRoutes(config);
  FilterHarness stream({[&] {
                         std::unique_ptr<filter::FilterFactory> factory;
                         config::Errors errors;
                         for (const filter::FilterKind& kind : server::BuiltinFilters()) {
                           if (kind.type != "envoy.extensions.filters.http.buffer.v3.Buffer") {
                             continue;
                           }
                           factory = kind.create(Limit(5), config::Path(), errors);
                           factory->override_kind = kind.override_kind;
                         }
                         factory->name = route::FilterName("f");
                         factory->disabled = disabled;
                         return std::shared_ptr<const filter::FilterFactory>(std::move(factory));
                       }()},
                       [&](filter::StreamContext& context) {
                         FillRequest({}, context.request, context.arena);
                         context.routes = routes.get();
                         context.route = routes->Match(route::MatchInput{context.request});
                       });
  stream.SendRequest(false);
  stream.SendRequestBody("1234567", false);
  if (stream.response_out.head) return "refused";
  return stream.request_out.head ? "streamed" : "waits";
}

TEST(FilterOverrideTest, TheMostSpecificWins) {
  EXPECT_EQ(Fare({}), "refused");
  EXPECT_EQ(Fare({.table = RouteLimit(100)}), "waits");
  EXPECT_EQ(Fare({.table = RouteLimit(100), .host = RouteLimit(1)}), "refused");
  EXPECT_EQ(Fare({.host = RouteLimit(1), .route = RouteLimit(100)}), "waits");
  EXPECT_EQ(Fare({.route = RouteLimit(1), .weight = RouteLimit(100)}), "waits");
  EXPECT_EQ(Fare({.weight = Pack<v3::BufferPerRoute>("disabled: true")}), "streamed");
}

TEST(FilterOverrideTest, FiltersAreSwitchedOffAndOn) {
  const Any off = Pack<FilterConfig>("disabled: true");
  const Any on = Pack<FilterConfig>("config {}");
  EXPECT_EQ(Fare({.host = off}), "streamed");
  EXPECT_EQ(Fare({.host = off, .route = on}), "refused");
  EXPECT_EQ(Fare({}, /*disabled=*/true), "streamed");
  EXPECT_EQ(Fare({.host = on}, /*disabled=*/true), "refused");
  EXPECT_EQ(Fare({.host = RouteLimit(100)}, /*disabled=*/true), "waits");
  EXPECT_EQ(Fare({.host = RouteLimit(100), .route = off}, /*disabled=*/true), "streamed");
  FilterConfig wrapped;
  *wrapped.mutable_config() = RouteLimit(100);
  Any any;
  any.PackFrom(wrapped);
  EXPECT_EQ(Fare({.route = any}), "waits");
}

std::string ErrorsOf(const Any& override_config) {
  RouteConfiguration config;
  (*config.mutable_typed_per_filter_config())["f"] = override_config;
  config::Errors errors;
  route::CompileRoutes(config, errors, config::Path("rc"),
                       filter::OverridesOf(server::BuiltinFilters()));
  std::string all;
  for (const config::Error& error : errors.list()) absl::StrAppend(&all, error.ToString(), "\n");
  return all;
}

TEST(FilterOverrideTest, WrongConfigurationsAreNamed) {
  EXPECT_NE(ErrorsOf(Limit(1)).find("rc.typed_per_filter_config[\"f\"]"), std::string::npos)
      << ErrorsOf(Limit(1));
  EXPECT_NE(ErrorsOf(Limit(1)).find("buffer.v3.Buffer' is not the per-route"), std::string::npos);
  EXPECT_NE(ErrorsOf(Pack<FilterConfig>("")).find("expected config or disabled"),
            std::string::npos);
  FilterConfig wrapped;
  *wrapped.mutable_config() = Limit(1);
  Any any;
  any.PackFrom(wrapped);
  EXPECT_NE(ErrorsOf(any).find(".config"), std::string::npos);
  wrapped.set_is_optional(true);
  any.PackFrom(wrapped);
  EXPECT_EQ(ErrorsOf(any), "");
}

// Another filter's settings under this filter's name are none of its own.
TEST(FilterOverrideTest, SettingsOfAnotherKindAreNotTouched) {
  RouteConfiguration config;
  EXPECT_EQ(Fare({.route = Pack<FilterConfig>("config {}"), .weight = Any()}), "refused");
  const Any cors = [] {
    Any any;
    any.set_type_url("type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy");
    return any;
  }();
  EXPECT_EQ(Fare({.host = RouteLimit(100), .route = cors}), "waits");
}

}  // namespace
}  // namespace proxenos::filters
