// Header and query matchers, from their protos.
#include "source/route/header_matcher.h"

#include <string>

#include "gtest/gtest.h"
#include "source/route/matcher_config.h"
#include "test/route/request.h"

namespace proxenos::route {
namespace {

HeaderMatcher Matcher(const std::string& text) {
  envoy::config::route::v3::HeaderMatcher config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  config::Errors errors;
  auto matcher = CompileHeaderMatcher(config, errors, config::Path());
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return *std::move(matcher);
}

// The matcher of x by `specifier`, on a request with these values of x.
bool Match(const std::string& specifier, const std::vector<std::string>& values) {
  Request::Fields fields = {{"other", "1"}};
  for (const std::string& value : values) fields.emplace_back("X-Test", value);
  const Request request("/", "host", fields);
  return Matcher("name: 'x-TEST' " + specifier).Matches(request.head);
}

TEST(HeaderMatcherTest, EverySpecifier) {
  const struct {
    const char* specifier;
    std::vector<std::string> values;
    bool matches;
  } cases[] = {
      {"", {"a"}, true},
      {"", {}, false},
      {"present_match: true", {""}, true},
      {"present_match: true", {}, false},
      {"present_match: false", {}, true},
      {"present_match: false", {"a"}, false},
      {"present_match: true invert_match: true", {}, true},
      {"present_match: true invert_match: true", {"a"}, false},
      {"exact_match: 'a'", {"a"}, true},
      {"exact_match: 'a'", {"A"}, false},
      {"exact_match: ''", {"whatever"}, true},
      {"exact_match: ''", {}, false},
      {"prefix_match: 'ab'", {"abc"}, true},
      {"prefix_match: 'ab'", {"aab"}, false},
      {"suffix_match: 'bc'", {"abc"}, true},
      {"suffix_match: 'bc'", {"bcd"}, false},
      {"contains_match: 'b'", {"abc"}, true},
      {"contains_match: 'b'", {"acd"}, false},
      {"safe_regex_match { regex: '[0-9]{3}' }", {"123"}, true},
      {"safe_regex_match { regex: '[0-9]{3}' }", {"1234"}, false},
      {"safe_regex_match { regex: '[0-9]{3}' } invert_match: true", {"1234"}, true},
      {"range_match { start: -10 end: 0 }", {"-1"}, true},
      {"range_match { start: -10 end: 0 }", {"-10"}, true},
      {"range_match { start: -10 end: 0 }", {"0"}, false},
      {"range_match { start: -10 end: 0 }", {"-1x"}, false},
      {"range_match { start: 0 end: 10 }", {""}, false},
      {"range_match { start: 0 end: 10 }", {"1.5"}, false},
      {"range_match { start: 0 end: 10 }", {"99999999999999999999"}, false},
      {"string_match { exact: 'AbC' ignore_case: true }", {"aBc"}, true},
      {"string_match { exact: '' }", {""}, true},
      {"string_match { exact: '' }", {"a"}, false},
      {"string_match { prefix: 'AB' ignore_case: true }", {"abc"}, true},
      {"string_match { suffix: 'BC' ignore_case: true }", {"abc"}, true},
      {"string_match { contains: 'B' ignore_case: true }", {"abc"}, true},
      {"string_match { contains: 'D' ignore_case: true }", {"abc"}, false},
      {"string_match { safe_regex { regex: 'a.c' } }", {"abc"}, true},
      {"string_match { safe_regex { regex: '.*bad.*' } }", {"\xff.bad"}, true},
      {"string_match { safe_regex { regex: '.*bad.*' } }", {"bad\xc3"}, true},
      {"string_match { safe_regex { regex: '[^b]*' } }", {"\x80"}, true},
      {"string_match { safe_regex { regex: 'caf\303\251.*' } }", {"caf\xc3\xa9\xff"}, true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Match(c.specifier, c.values), c.matches)
        << c.specifier << " on " << ::testing::PrintToString(c.values);
  }
}

TEST(HeaderMatcherTest, MissingHeaders) {
  EXPECT_FALSE(Match("exact_match: 'a' invert_match: true", {})) << "missing, so not even inverted";
  EXPECT_TRUE(Match(
      "range_match { start: 0 end: 10 } invert_match: true treat_missing_header_as_empty: true",
      {}));
  EXPECT_TRUE(Match("string_match { exact: '' } treat_missing_header_as_empty: true", {}));
  EXPECT_TRUE(Match("present_match: true treat_missing_header_as_empty: true", {}));
}

TEST(HeaderMatcherTest, SeveralValuesHideNothing) {
  EXPECT_TRUE(Match("exact_match: 'a'", {"b", "a"}));
  EXPECT_TRUE(Match("exact_match: 'b,a'", {"b", "a"})) << "as one list, which is what Envoy sees";
  EXPECT_FALSE(Match("exact_match: 'c'", {"b", "a"}));
  EXPECT_FALSE(Match("exact_match: 'bad' invert_match: true", {"bad", "good"}))
      << "a duplicate must not let a value past a matcher that excludes it";
  EXPECT_FALSE(Match("exact_match: 'bad' invert_match: true", {"good", "bad"}));
  EXPECT_TRUE(Match("exact_match: 'bad' invert_match: true", {"good", "better"}));
  EXPECT_TRUE(Match("range_match { start: 5 end: 6 }", {"1", "5"}));
}

TEST(HeaderMatcherTest, ControlDataHasNames) {
  Request request("/p?q=1", "Host.com:80", {}, "POST");
  request.head.upgrade = "websocket";
  request.head.te_trailers = true;
  const auto matches = [&](const std::string& name, const std::string& value) {
    return Matcher("name: '" + name + "' string_match { exact: '" + value + "' }")
        .Matches(request.head);
  };
  EXPECT_TRUE(matches(":method", "POST"));
  EXPECT_TRUE(matches(":path", "/p?q=1"));
  EXPECT_TRUE(matches(":authority", "Host.com:80"));
  EXPECT_TRUE(matches("host", "Host.com:80"));
  EXPECT_TRUE(matches("Host", "Host.com:80"));
  EXPECT_TRUE(matches(":scheme", "http"));
  EXPECT_TRUE(matches("upgrade", "websocket"));
  EXPECT_TRUE(matches("connection", "upgrade"));
  EXPECT_TRUE(matches("te", "trailers"));
  request.head.upgrade = "";
  EXPECT_FALSE(Matcher("name: 'upgrade'").Matches(request.head));
  EXPECT_FALSE(Matcher("name: 'connection'").Matches(request.head));
  EXPECT_FALSE(Matcher("name: ':protocol'").Matches(request.head));
}

TEST(HeaderMatcherTest, Responses) {
  buffer::Arena arena;
  http::ResponseHead head(arena);
  head.status = 503;
  head.headers.Add("x-retry", "yes");
  EXPECT_TRUE(Matcher("name: ':status' string_match { prefix: '5' }").Matches(head));
  EXPECT_TRUE(Matcher("name: 'x-retry' string_match { exact: 'yes' }").Matches(head));
  EXPECT_FALSE(Matcher("name: ':path'").Matches(head));
}

TEST(QueryMatcherTest, EverySpecifier) {
  const auto matches = [](const std::string& text, const std::string& path) {
    envoy::config::route::v3::QueryParameterMatcher config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
    config::Errors errors;
    const auto matcher = CompileQueryMatcher(config, errors, config::Path());
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    return matcher->Matches(path);
  };
  EXPECT_TRUE(matches("name: 'a'", "/?a"));
  EXPECT_FALSE(matches("name: 'a'", "/?b"));
  EXPECT_TRUE(matches("name: 'a' present_match: true", "/?b&a=2"));
  EXPECT_TRUE(matches("name: 'a' present_match: false", "/?b"));
  EXPECT_TRUE(matches("name: 'a' string_match { exact: '1' }", "/?a=1&a=2"));
  EXPECT_FALSE(matches("name: 'a' string_match { exact: '2' }", "/?a=1&a=2"));
  EXPECT_FALSE(matches("name: 'A' string_match { exact: '1' }", "/?a=1"));
  EXPECT_FALSE(matches("name: 'a' string_match { exact: '1' }", "/"));
  EXPECT_TRUE(matches("name: 'a' string_match { safe_regex { regex: 'x+' } }", "/?a=xxx"));
}

TEST(MatcherConfigTest, ErrorsNameTheField) {
  envoy::config::route::v3::HeaderMatcher config;
  config.set_name("x");
  config.mutable_string_match()->mutable_safe_regex()->set_regex("a(");
  config::Errors errors;
  EXPECT_FALSE(CompileHeaderMatcher(config, errors, config::Path("headers[0]")).has_value());
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path, "headers[0].string_match.safe_regex.regex");
}

}  // namespace
}  // namespace proxenos::route
