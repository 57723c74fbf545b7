// Patterns of JSON values, kind by kind.
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/match/value_matcher_config.h"

namespace proxenos::match {
namespace {

bool Matches(const std::string& pattern, const json::Value* value) {
  envoy::type::matcher::v3::ValueMatcher proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(pattern, &proto)) << pattern;
  config::Errors errors;
  const auto matcher = CompileValueMatcher(proto, errors, config::Path("v"));
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  return matcher.has_value() && matcher->Matches(value);
}

bool Matches(const std::string& pattern, const json::Value& value) {
  return Matches(pattern, &value);
}

const json::Value kText(std::string("blue"));
const json::Value kNumber(int64_t{7});
const json::Value kTrue(true);
const json::Value kNull;

TEST(ValueMatcherTest, MatchesItsOwnKindAlone) {
  EXPECT_TRUE(Matches("null_match {}", kNull));
  EXPECT_FALSE(Matches("null_match {}", kText));
  EXPECT_FALSE(Matches("null_match {}", nullptr));
  EXPECT_TRUE(Matches("double_match { exact: 7 }", kNumber));
  EXPECT_FALSE(Matches("double_match { exact: 7.5 }", kNumber));
  EXPECT_TRUE(Matches("double_match { range { start: 7 end: 8 } }", kNumber));
  EXPECT_FALSE(Matches("double_match { range { start: 6 end: 7 } }", kNumber));
  EXPECT_FALSE(Matches("double_match { exact: 7 }", kText));
  EXPECT_TRUE(Matches("string_match { prefix: 'bl' }", kText));
  EXPECT_FALSE(Matches("string_match { exact: '7' }", kNumber));
  EXPECT_TRUE(Matches("bool_match: true", kTrue));
  EXPECT_FALSE(Matches("bool_match: false", kTrue));
  EXPECT_FALSE(Matches("bool_match: false", nullptr));
}

TEST(ValueMatcherTest, PresenceIsOfAnyKind) {
  for (const json::Value* value : {&kNull, &kText, &kNumber, &kTrue}) {
    EXPECT_TRUE(Matches("present_match: true", value));
    EXPECT_FALSE(Matches("present_match: false", value));
  }
  EXPECT_FALSE(Matches("present_match: true", nullptr));
  EXPECT_FALSE(Matches("present_match: false", nullptr));
}

TEST(ValueMatcherTest, ListsAndAlternatives) {
  const json::Value list(json::List{kNumber, kText});
  const std::string blue = "string_match { exact: 'blue' }";
  EXPECT_TRUE(Matches("list_match { one_of { " + blue + " } }", list));
  EXPECT_FALSE(Matches("list_match { one_of { " + blue + " } }", kText));
  EXPECT_FALSE(Matches("list_match { one_of { bool_match: true } }", list));
  const std::string either =
      "or_match { value_matchers { bool_match: true } value_matchers { " + blue + " } }";
  EXPECT_TRUE(Matches(either, kText));
  EXPECT_TRUE(Matches(either, kTrue));
  EXPECT_FALSE(Matches(either, kNumber));
}

TEST(MetadataMatcherTest, FollowsItsPathAndInverts) {
  json::Object inner;
  inner.emplace("team", kText);
  json::Object spaces;
  spaces.emplace("ns", json::Value(std::move(inner)));
  envoy::type::matcher::v3::MetadataMatcher proto;
  proto.set_filter("ns");
  proto.add_path()->set_key("team");
  proto.mutable_value()->mutable_string_match()->set_exact("blue");
  config::Errors errors;
  auto matcher = CompileMetadataMatcher(proto, errors, config::Path("m"));
  ASSERT_TRUE(matcher.has_value()) << errors.ToStatus();
  EXPECT_TRUE(matcher->Matches(&spaces));
  EXPECT_FALSE(matcher->Matches(nullptr));
  matcher->invert = true;
  EXPECT_FALSE(matcher->Matches(&spaces));
  EXPECT_TRUE(matcher->Matches(nullptr));
}

TEST(ValueMatcherTest, ErrorsAreNamed) {
  envoy::type::matcher::v3::ValueMatcher proto;
  proto.mutable_list_match()->mutable_one_of();
  config::Errors errors;
  EXPECT_FALSE(CompileValueMatcher(proto, errors, config::Path("v")).has_value());
  EXPECT_EQ(errors.ToStatus().message(), "v.list_match.one_of: expected a pattern");
}

}  // namespace
}  // namespace proxenos::match
