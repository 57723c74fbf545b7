// JSON in and out: what the parser takes, what it refuses, and that what is written reads back.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/json/parse.h"
#include "source/json/value.h"

namespace proxenos::json {
namespace {

// What `text` means, written plainly; "-" when it is refused.
std::string Rewritten(const std::string& text) {
  const std::optional<Value> value = Parse(text);
  return value.has_value() ? ToJson(*value) : "-";
}

TEST(JsonTest, ReadsAndWrites) {
  const std::pair<const char*, const char*> kCases[] = {
      {"null", "null"},
      {" true ", "true"},
      {"false", "false"},
      {"0", "0"},
      {"-12", "-12"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "9.223372036854776e+18"},
      {"1.5", "1.5"},
      {"1e2", "100"},
      {"0.1", "0.1"},
      {"-1.25E-2", "-0.0125"},
      {"\"\"", "\"\""},
      {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\""},
      {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
      {"[]", "[]"},
      {"[ 1 , [2] ,\"x\" ]", "[1,[2],\"x\"]"},
      {"{}", "{}"},
      {"{ \"b\" : 1 , \"a\" : {\"c\":[null]} }", "{\"a\":{\"c\":[null]},\"b\":1}"},
  };
  for (const auto& [text, expected] : kCases) {
    EXPECT_EQ(Rewritten(text), expected) << text;
    if (std::string(expected) != "-") {
      EXPECT_EQ(Rewritten(expected), expected) << text;
    }
  }
}

TEST(JsonTest, RefusesWhatIsNoJson) {
  for (const std::string text : {"",
                                 " ",
                                 "nul",
                                 "nullx",
                                 "tru",
                                 "True",
                                 "01",
                                 "-",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e400",
                                 "-1e400",
                                 "+1",
                                 "1 2",
                                 "\"",
                                 "\"\\",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\\udc00\"",
                                 "\"\n\"",
                                 "\"\xff\"",
                                 "\"\xc0\x80\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xf4\x90\x80\x80\"",
                                 "[",
                                 "[1",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "]",
                                 "{",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{a:1}",
                                 "{\"a\":1 \"b\":2}",
                                 "{\"a\":1,\"a\":2}",
                                 "// x",
                                 "NaN",
                                 "Infinity"}) {
    EXPECT_EQ(Rewritten(text), "-") << text;
  }
  EXPECT_EQ(Rewritten(std::string("\"a\0\"", 4)), "-");
  EXPECT_EQ(Rewritten(std::string("\"\\\0\"", 4)), "-");
  EXPECT_EQ(Rewritten(std::string("1\0", 2)), "-");
}

TEST(JsonTest, DepthIsLimited) {
  const auto nested = [](int depth) {
    return absl::StrCat(std::string(static_cast<size_t>(depth), '['),
                        std::string(static_cast<size_t>(depth), ']'));
  };
  EXPECT_NE(Rewritten(nested(kMaxDepth)), "-");
  EXPECT_EQ(Rewritten(nested(kMaxDepth + 1)), "-");
  EXPECT_EQ(Rewritten(std::string(1 << 20, '[')), "-");
}

TEST(JsonTest, WritesOnlyUtf8) {
  EXPECT_EQ(ToJson(Value(std::string("a\xff z"))), "\"a\xef\xbf\xbd z\"");
}

TEST(JsonTest, LooksIntoValues) {
  const auto object = ParseObject(R"({"a":{"b":{"c":"deep"}},"t":"x","n":3,"r":2.0,"h":2.5})");
  ASSERT_TRUE(object.has_value());
  ASSERT_NE(FindPath(*object, {"a", "b", "c"}), nullptr);
  EXPECT_EQ(*FindPath(*object, {"a", "b", "c"})->text(), "deep");
  EXPECT_EQ(FindPath(*object, {"a", "x"}), nullptr);
  EXPECT_EQ(FindPath(*object, {"t", "x"}), nullptr);
  EXPECT_EQ(FindPath(*object, {}), nullptr);
  EXPECT_EQ(FindText(*object, "t"), "x");
  EXPECT_EQ(FindText(*object, "n"), "");
  EXPECT_EQ(FindPath(*object, {"n"})->integer(), 3);
  EXPECT_EQ(FindPath(*object, {"r"})->integer(), 2);
  EXPECT_EQ(FindPath(*object, {"h"})->integer(), std::nullopt);
  EXPECT_EQ(ParseObject("[1]"), std::nullopt);
}

}  // namespace
}  // namespace proxenos::json
