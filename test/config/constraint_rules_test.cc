// Each kind of rule against values on both sides of it.
#include "source/config/constraint_rules.h"

#include <cmath>
#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/config/string_formats.h"

namespace proxenos::config {
namespace {

template <typename Rules>
Rules Parse(const std::string& text) {
  Rules rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules)) << text;
  return rules;
}

std::string Text(const std::string& rules_text, std::string_view value) {
  const auto rules = Parse<validate::StringRules>(rules_text);
  const re2::RE2 pattern(rules.pattern());
  return BrokenRule(rules, rules.has_pattern() ? &pattern : nullptr, value);
}

std::string Bytes(const std::string& rules_text, std::string_view value) {
  const auto rules = Parse<validate::BytesRules>(rules_text);
  const re2::RE2 pattern(rules.pattern());
  return BrokenRule(rules, rules.has_pattern() ? &pattern : nullptr, value);
}

template <typename Rules, typename Value>
void CheckNumbers() {
  const auto broken = [](const std::string& rules, double value) {
    return BrokenRule(Parse<Rules>(rules), static_cast<Value>(value));
  };
  EXPECT_EQ("", broken("const: 5", 5));
  EXPECT_EQ("5", broken("const: 5", 6));
  EXPECT_EQ("", broken("lt: 5", 4));
  EXPECT_EQ("less than 5", broken("lt: 5", 5));
  EXPECT_EQ("", broken("lte: 5", 5));
  EXPECT_EQ("at most 5", broken("lte: 5", 6));
  EXPECT_EQ("", broken("gt: 5", 6));
  EXPECT_EQ("more than 5", broken("gt: 5", 5));
  EXPECT_EQ("", broken("gte: 5", 5));
  EXPECT_EQ("at least 5", broken("gte: 5", 4));
  EXPECT_EQ("", broken("gte: 1 lte: 5", 5));
  EXPECT_EQ("at least 1 and at most 5", broken("gte: 1 lte: 5", 6));
  EXPECT_EQ("at least 1 and at most 5", broken("gte: 1 lte: 5", 0));
  // With the bounds crossed, what lies between is excluded.
  EXPECT_EQ("", broken("lt: 1 gt: 5", 0));
  EXPECT_EQ("", broken("lt: 1 gt: 5", 6));
  EXPECT_EQ("less than 1 or more than 5", broken("lt: 1 gt: 5", 5));
  EXPECT_EQ("", broken("lte: 1 gte: 5", 1));
  EXPECT_EQ("", broken("lte: 1 gte: 5", 5));
  EXPECT_EQ("at most 1 or at least 5", broken("lte: 1 gte: 5", 3));
  EXPECT_EQ("", broken("in: 1 in: 2", 2));
  EXPECT_EQ("one of 1, 2", broken("in: 1 in: 2", 3));
  EXPECT_EQ("none of 1, 2", broken("not_in: 1 not_in: 2", 2));
  EXPECT_EQ("", broken("not_in: 1 not_in: 2", 3));
  EXPECT_EQ("", broken("gte: 1 ignore_empty: true", 0));
  EXPECT_NE("", broken("gte: 2 ignore_empty: true", 1));
}

TEST(ConstraintRulesTest, AllKindsOfNumbers) {
  CheckNumbers<validate::FloatRules, float>();
  CheckNumbers<validate::DoubleRules, double>();
  CheckNumbers<validate::Int32Rules, int32_t>();
  CheckNumbers<validate::Int64Rules, int64_t>();
  CheckNumbers<validate::UInt32Rules, uint32_t>();
  CheckNumbers<validate::UInt64Rules, uint64_t>();
  CheckNumbers<validate::SInt32Rules, int32_t>();
  CheckNumbers<validate::SInt64Rules, int64_t>();
  CheckNumbers<validate::Fixed32Rules, uint32_t>();
  CheckNumbers<validate::Fixed64Rules, uint64_t>();
  CheckNumbers<validate::SFixed32Rules, int32_t>();
  CheckNumbers<validate::SFixed64Rules, int64_t>();
}

TEST(ConstraintRulesTest, NanIsWithinNoBounds) {
  const double nan = std::nan("");
  EXPECT_NE("", BrokenRule(Parse<validate::DoubleRules>("lte: 5"), nan));
  EXPECT_NE("", BrokenRule(Parse<validate::DoubleRules>("gte: 5"), nan));
  EXPECT_NE("", BrokenRule(Parse<validate::DoubleRules>("gte: 5 lte: 6"), nan));
}

TEST(ConstraintRulesTest, Booleans) {
  EXPECT_EQ("", BrokenRule(Parse<validate::BoolRules>("const: true"), true));
  EXPECT_EQ("true", BrokenRule(Parse<validate::BoolRules>("const: true"), false));
  EXPECT_EQ("false", BrokenRule(Parse<validate::BoolRules>("const: false"), true));
}

TEST(ConstraintRulesTest, TextLengthsInCharactersAndBytes) {
  EXPECT_EQ("at least 1 character", Text("min_len: 1", ""));
  EXPECT_EQ("", Text("min_len: 2 max_len: 2", "\xC3\xA9\xC3\xA9"));
  EXPECT_EQ("at most 2 characters", Text("max_len: 2", "abc"));
  EXPECT_EQ("2 characters", Text("len: 2", "abc"));
  EXPECT_EQ("", Text("len: 1", "\xF0\x9F\x98\x80"));
  EXPECT_EQ("", Text("len_bytes: 2", "\xC3\xA9"));
  EXPECT_EQ("1 byte", Text("len_bytes: 1", "\xC3\xA9"));
  EXPECT_EQ("at least 3 bytes", Text("min_bytes: 3", "\xC3\xA9"));
  EXPECT_EQ("at most 1 byte", Text("max_bytes: 1", "\xC3\xA9"));
  EXPECT_EQ("", Text("min_len: 1 ignore_empty: true", ""));
}

TEST(ConstraintRulesTest, TextContent) {
  EXPECT_EQ("\"a\"", Text("const: 'a'", "b"));
  EXPECT_EQ("", Text("const: 'a'", "a"));
  EXPECT_EQ("to start with \"/\"", Text("prefix: '/'", "a/"));
  EXPECT_EQ("to end with \"/\"", Text("suffix: '/'", "/a"));
  EXPECT_EQ("to contain \"/\"", Text("contains: '/'", "a"));
  EXPECT_EQ("not to contain \"/\"", Text("not_contains: '/'", "a/b"));
  EXPECT_EQ("", Text("prefix: '/' suffix: 'b' contains: 'a' not_contains: 'c'", "/ab"));
  EXPECT_EQ("one of \"a\", \"b\"", Text("in: 'a' in: 'b'", "c"));
  EXPECT_EQ("none of \"a\"", Text("not_in: 'a'", "a"));
  EXPECT_EQ("to match the pattern ^[a-z]+$", Text("pattern: '^[a-z]+$'", "a1"));
  EXPECT_EQ("", Text("pattern: '^[a-z]+$'", "ab"));
}

struct FormatCase {
  const char* rules;
  const char* good;
  const char* bad;
};

TEST(ConstraintRulesTest, TextFormats) {
  constexpr FormatCase kCases[] = {
      {"email: true", "a.b+c@example.com", "a@b@"},
      {"email: true", "a@example.com", ".a@example.com"},
      {"hostname: true", "a-1.example.com", "-a.example.com"},
      {"hostname: true", "localhost", "a..b"},
      {"hostname: true", "1", "a_b"},
      {"ip: true", "127.0.0.1", "127.0.0"},
      {"ip: true", "::1", "[::1]"},
      {"ipv4: true", "1.2.3.4", "::1"},
      {"ipv6: true", "2001:db8::1", "1.2.3.4"},
      {"uri: true", "https://example.com/%20?a#b", "/path"},
      {"uri: true", "a+b-c.1:x", "http://a b"},
      {"uri_ref: true", "/path?x=%41", "/%4"},
      {"address: true", "example.com", "exa mple.com"},
      {"address: true", "::1", "::g"},
      {"uuid: true", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400"},
      {"uuid: true", "123E4567-E89B-12D3-A456-426614174000",
       "123e4567+e89b-12d3-a456-426614174000"},
      {"well_known_regex: HTTP_HEADER_NAME", ":path", "a b"},
      {"well_known_regex: HTTP_HEADER_NAME", "x-a_b~", ""},
      {"well_known_regex: HTTP_HEADER_NAME strict: false", "a b", "a\nb"},
      {"well_known_regex: HTTP_HEADER_VALUE", "a\tb", "a\x01"},
      {"well_known_regex: HTTP_HEADER_VALUE", "\xC3\xA9", "a\x7F"},
      {"well_known_regex: HTTP_HEADER_VALUE strict: false", "a\x01", "a\r"},
  };
  for (const FormatCase& c : kCases) {
    EXPECT_EQ("", Text(c.rules, c.good)) << c.rules << ": " << c.good;
    EXPECT_NE("", Text(c.rules, c.bad)) << c.rules << ": " << c.bad;
  }
  EXPECT_FALSE(IsIpv4(std::string_view("1.2.3.4\0x", 9)));
  EXPECT_FALSE(IsHostname(std::string(64, 'a')));
  EXPECT_TRUE(IsHostname(std::string(63, 'a')));
  EXPECT_FALSE(IsHeaderValue(std::string_view("a\0b", 3), false));
  // A false flag asks for nothing.
  EXPECT_EQ("", Text("ip: false", "x"));
}

TEST(ConstraintRulesTest, Bytes) {
  EXPECT_EQ("", Bytes("len: 2 prefix: 'a' suffix: 'b' contains: 'ab' pattern: '..'", "ab"));
  EXPECT_EQ("2 bytes", Bytes("len: 2", "a"));
  EXPECT_EQ("at least 2 bytes", Bytes("min_len: 2", "a"));
  EXPECT_EQ("at most 1 byte", Bytes("max_len: 1", "\xC3\xA9"));
  EXPECT_NE("", Bytes("prefix: 'b'", "a"));
  EXPECT_NE("", Bytes("pattern: 'b'", "a"));
  EXPECT_NE("", Bytes("in: 'b'", "a"));
  EXPECT_NE("", Bytes("not_in: 'a'", "a"));
  EXPECT_NE("", Bytes("const: 'b'", "a"));
  EXPECT_EQ("", Bytes("ip: true", "abcd"));
  EXPECT_NE("", Bytes("ip: true", "abc"));
  EXPECT_NE("", Bytes("ipv6: true", "abcd"));
  EXPECT_NE("", Bytes("ipv4: true", "0123456789abcdef"));
  EXPECT_EQ("", Bytes("min_len: 2 ignore_empty: true", ""));
}

TEST(ConstraintRulesTest, Enums) {
  EXPECT_EQ("", BrokenRule(Parse<validate::EnumRules>("defined_only: true"), 1, true));
  EXPECT_EQ("a defined value of the enum",
            BrokenRule(Parse<validate::EnumRules>("defined_only: true"), 9, false));
  EXPECT_EQ("none of 1", BrokenRule(Parse<validate::EnumRules>("not_in: 1"), 1, true));
  EXPECT_EQ("one of 1", BrokenRule(Parse<validate::EnumRules>("in: 1"), 2, true));
  EXPECT_EQ("1", BrokenRule(Parse<validate::EnumRules>("const: 1"), 2, true));
}

TEST(ConstraintRulesTest, AnyByType) {
  google::protobuf::Any any;
  any.set_type_url("x/a.B");
  EXPECT_EQ("", BrokenRule(Parse<validate::AnyRules>("in: 'x/a.B'"), any));
  EXPECT_EQ("one of \"x/a.C\"", BrokenRule(Parse<validate::AnyRules>("in: 'x/a.C'"), any));
  EXPECT_EQ("none of \"x/a.B\"", BrokenRule(Parse<validate::AnyRules>("not_in: 'x/a.B'"), any));
}

TEST(ConstraintRulesTest, Durations) {
  const auto broken = [](const std::string& rules, int64_t seconds, int32_t nanos) {
    google::protobuf::Duration value;
    value.set_seconds(seconds);
    value.set_nanos(nanos);
    return BrokenRule(Parse<validate::DurationRules>(rules), value);
  };
  EXPECT_EQ("", broken("gt {}", 0, 1));
  EXPECT_EQ("more than 0s", broken("gt {}", 0, 0));
  EXPECT_EQ("at least 0.001s", broken("gte { nanos: 1000000 }", 0, 999'999));
  EXPECT_EQ("less than 2s", broken("lt { seconds: 2 }", 2, 0));
  EXPECT_EQ("at most 2s", broken("lte { seconds: 2 }", 2, 1));
  EXPECT_EQ("", broken("gte { seconds: 1 } lte { seconds: 2 }", 1, 5));
  EXPECT_EQ("2s", broken("const { seconds: 2 }", 1, 0));
  EXPECT_EQ("one of 2s", broken("in { seconds: 2 }", 1, 0));
  EXPECT_EQ("none of 1s", broken("not_in { seconds: 1 }", 1, 0));
}

TEST(ConstraintRulesTest, Timestamps) {
  constexpr base::WallTime kNow = 1'000'000'000;  // 1000 s.
  const auto broken = [](const std::string& rules, int64_t seconds) {
    google::protobuf::Timestamp value;
    value.set_seconds(seconds);
    return BrokenRule(Parse<validate::TimestampRules>(rules), value, kNow);
  };
  EXPECT_EQ("", broken("lt_now: true", 999));
  EXPECT_EQ("a time in the past", broken("lt_now: true", 1001));
  EXPECT_EQ("a time in the future", broken("gt_now: true", 999));
  EXPECT_EQ("", broken("within { seconds: 10 }", 1009));
  EXPECT_EQ("within 10s of now", broken("within { seconds: 10 }", 989));
  EXPECT_EQ("at least 5s since 1970", broken("gte { seconds: 5 }", 4));
  EXPECT_EQ("5s since 1970", broken("const { seconds: 5 }", 4));
}

}  // namespace
}  // namespace proxenos::config
