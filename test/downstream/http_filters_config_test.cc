// Lists of filters with places for those that come by discovery: what is accepted, what each error
// says, and what may fill a place later.
#include "source/downstream/http_filters_config.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/filters/http/grpc_web/config.h"
#include "source/filters/http/router/router_config.h"

namespace proxenos::downstream {
namespace {

constexpr char kWeb[] = "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb";
constexpr char kRouter[] = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
constexpr filter::FilterKind kKinds[] = {
    {"envoy.extensions.filters.http.router.v3.Router", true, filters::router::CreateRouter},
    {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", false, filters::grpc_web::CreateGrpcWeb},
};

std::string Discovered(const std::string& type, const std::string& more = "") {
  return "{name: x, config_discovery: {config_source: {ads: {}, initial_fetch_timeout: 3s}, "
         "type_urls: ['" +
         type + "']" + more + "}}";
}
std::string Router() { return std::string("{name: r, typed_config: {'@type': ") + kRouter + "}}"; }

class HttpFiltersConfigTest : public ::testing::Test {
 protected:
  // The first problem; empty when there is none.
  std::string Compile(const std::string& list) {
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager proto;
    config::Errors errors;
    config::ParseYaml("{http_filters: [" + list + "]}", proto, errors);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    config_ = HttpConfig();
    CompileHttpFilters(proto.http_filters(), {kKinds}, config_, config::Path("f"), errors);
    return errors.ok() ? "" : errors.list()[0].ToString();
  }

  HttpConfig config_;
};

TEST_F(HttpFiltersConfigTest, APlaceAndWhatMayFillIt) {
  ASSERT_EQ(Compile(Discovered(kWeb) + ", " + Router()), "");
  ASSERT_EQ(config_.filters.size(), 2u);
  ASSERT_EQ(config_.discovered.size(), 1u);
  const filter::DiscoveredFilter& place = config_.discovered[0];
  EXPECT_EQ(place.index, 0u);
  EXPECT_EQ(place.name, "x");
  EXPECT_EQ(place.source, "");
  EXPECT_EQ(place.timeout, 3 * base::kSecond);
  EXPECT_TRUE(place.warms);
  EXPECT_FALSE(place.terminal);

  envoy::config::core::v3::TypedExtensionConfig sent;
  sent.mutable_typed_config()->set_type_url(kWeb);
  config::Errors errors;
  const auto factory = CompileDiscoveredFilter(sent, place, {kKinds}, errors);
  ASSERT_NE(factory, nullptr) << errors.ToStatus();
  EXPECT_EQ(factory->index, 0u);
  EXPECT_EQ(factory->name.text(), "x");
  sent.mutable_typed_config()->set_type_url(kRouter);
  EXPECT_EQ(CompileDiscoveredFilter(sent, place, {kKinds}, errors), nullptr);
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].ToString(),
            "typed_config: value envoy.extensions.filters.http.router.v3.Router: expected one of "
            "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb");
}

TEST_F(HttpFiltersConfigTest, MoreThanAChainCountsAreRefused) {
  std::string list;
  for (int i = 0; i < 127; ++i) {
    list += std::string("{name: w, typed_config: {'@type': ") + kWeb + "}}, ";
  }
  EXPECT_EQ(Compile(list + Router()), "");
  EXPECT_EQ(config_.filters.size(), 128u);
  EXPECT_EQ(Compile(list + list + Router()), "f: expected at most 128 filters");
}

TEST_F(HttpFiltersConfigTest, Defaults) {
  const std::string web = std::string(", default_config: {'@type': ") + kWeb + "}";
  EXPECT_EQ(Compile(Discovered(kWeb, web + ", apply_default_config_without_warming: true") + ", " +
                    Router()),
            "");
  EXPECT_FALSE(config_.discovered[0].warms);
  EXPECT_EQ(
      Compile(Discovered(kWeb, ", apply_default_config_without_warming: true") + ", " + Router()),
      "f[0].config_discovery.apply_default_config_without_warming: there is no "
      "default_config that could be applied");
  const std::string other = std::string(", default_config: {'@type': ") + kRouter + "}";
  EXPECT_TRUE(absl::StartsWith(Compile(Discovered(kWeb, other) + ", " + Router()),
                               "f[0].config_discovery.default_config: typed_config: value "));
}

TEST_F(HttpFiltersConfigTest, WhatMayStandWhere) {
  EXPECT_EQ(Compile(Discovered(kRouter)), "");
  EXPECT_TRUE(config_.discovered[0].terminal);
  EXPECT_EQ(Compile(Discovered(kRouter) + ", " + Router()),
            "f[0].config_discovery.type_urls[0]: no filter may stand behind the router");
  EXPECT_EQ(Compile(Discovered(kWeb)),
            "f[0].config_discovery.type_urls[0]: the last filter must be "
            "envoy.extensions.filters.http.router.v3.Router, or nothing would answer the request");
  EXPECT_EQ(Compile(Discovered("type.googleapis.com/a.B") + ", " + Router()),
            "f[0].config_discovery.type_urls[0]: HTTP filter 'x' of type 'a.B' is not implemented "
            "by proxenos");
}

}  // namespace
}  // namespace proxenos::downstream
