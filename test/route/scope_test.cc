// Keys of requests as the headers have them.
#include "source/route/scope.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/route/scope_config.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

using Builder =
    envoy::extensions::filters::network::http_connection_manager::v3::ScopedRoutes::ScopeKeyBuilder;

ScopeKeyBuilder Parse(const std::string& fragments, config::Errors& errors) {
  Builder proto;
  config::ParseYaml("{fragments: " + fragments + "}", proto, errors);
  return CompileScopeKeyBuilder(proto, errors, config::Path("builder"));
}

// The key with '|' between its parts; "-" when there is none.
std::string KeyOf(const std::string& fragments, const std::vector<std::string>& values) {
  config::Errors errors;
  const ScopeKeyBuilder builder = Parse(fragments, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  std::vector<std::pair<std::string, std::string>> fields;
  for (size_t i = 0; i < values.size(); ++i) {
    fields.emplace_back(i == 0 ? "x-a" : "x-b", values[i]);
  }
  const Request request("/", "h", fields);
  std::string room;
  const auto key = builder.Build(request.head, room);
  if (!key) return "-";
  std::string text(*key);
  for (char& c : text) c = c == '\0' ? '|' : c;
  return text;
}

TEST(ScopeKeyTest, OfOneHeader) {
  const std::string whole = "[{header_value_extractor: {name: X-A, index: 0}}]";
  EXPECT_EQ(KeyOf(whole, {"a,b"}), "a,b");
  EXPECT_EQ(KeyOf(whole, {""}), "");
  EXPECT_EQ(KeyOf(whole, {}), "-");
  const std::string second =
      "[{header_value_extractor: {name: x-a, element_separator: ',', index: 1}}]";
  EXPECT_EQ(KeyOf(second, {"a,b,c"}), "b");
  EXPECT_EQ(KeyOf(second, {"a,,c"}), "");
  EXPECT_EQ(KeyOf(second, {"a"}), "-");
}

TEST(ScopeKeyTest, OfPairs) {
  const std::string pair =
      "[{header_value_extractor: {name: x-a, element_separator: ';', "
      "element: {separator: '=', key: k}}}]";
  EXPECT_EQ(KeyOf(pair, {"a=1;k=2;k=3"}), "2");
  EXPECT_EQ(KeyOf(pair, {"k=2=3"}), "2=3");
  EXPECT_EQ(KeyOf(pair, {"a=1;k"}), "");
  EXPECT_EQ(KeyOf(pair, {"a=1;kk=2"}), "-");
}

TEST(ScopeKeyTest, OfSeveralFragments) {
  const std::string both =
      "[{header_value_extractor: {name: x-a, index: 0}}, "
      "{header_value_extractor: {name: x-b, index: 0}}]";
  EXPECT_EQ(KeyOf(both, {"a", "b"}), "a|b");
  EXPECT_EQ(KeyOf(both, {"", "b"}), "|b");
  EXPECT_EQ(KeyOf(both, {"a"}), "-");
  EXPECT_EQ(ScopeKeyBuilder::Join({"a", "b"}), std::string("a\0b", 3));
}

TEST(ScopeKeyTest, WhatCannotBeMeant) {
  config::Errors errors;
  Parse("[{header_value_extractor: {name: x, index: 1}}, {header_value_extractor: {name: x}}, {}]",
        errors);
  ASSERT_EQ(errors.count(), 3u);
  EXPECT_EQ(errors.list()[0].path, "builder.fragments[0].header_value_extractor.index");
  EXPECT_EQ(errors.list()[1].path, "builder.fragments[1].header_value_extractor");
  EXPECT_EQ(errors.list()[2].path, "builder.fragments[2]");
}

TEST(ScopeConfigTest, Scopes) {
  envoy::config::route::v3::ScopedRouteConfiguration proto;
  config::Errors errors;
  config::ParseYaml(
      "{name: s, route_configuration_name: r, key: {fragments: [{string_key: a}, {string_key: "
      "b}]}}",
      proto, errors);
  const std::optional<Scope> scope = CompileScope(proto, errors, config::Path());
  ASSERT_TRUE(scope.has_value());
  EXPECT_EQ(scope->key, std::string("a\0b", 3));
  EXPECT_EQ(scope->routes, "r");
  proto.clear_route_configuration_name();
  EXPECT_FALSE(CompileScope(proto, errors, config::Path()).has_value());
  EXPECT_EQ(errors.count(), 1u);
  proto.mutable_route_configuration()->set_name("r");
  EXPECT_TRUE(CompileScope(proto, errors, config::Path()).has_value());
}

}  // namespace
}  // namespace proxenos::route
