// JSON formats. The expected lines are what Envoy 1.40 writes for the same values.
#include "source/access_log/json_formatter.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "google/protobuf/struct.pb.h"
#include "test/access_log/stream_fixture.h"

namespace proxenos::access_log {
namespace {

using ::testing::HasSubstr;

google::protobuf::Struct Parse(const char* json) {
  google::protobuf::Struct result;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &result);
  EXPECT_TRUE(status.ok()) << json;
  return result;
}

std::string Line(const char* json, const FormatInput& input, bool omit_empty = false) {
  absl::StatusOr<JsonFormatter> formatter = JsonFormatter::Compile(Parse(json), {omit_empty, {}});
  if (!formatter.ok()) return "ERROR " + std::string(formatter.status().message());
  std::string line;
  formatter->Format(input, line);
  return line;
}

TEST(JsonFormatterTest, TypesAndOrder) {
  const StreamFixture fixture;
  EXPECT_EQ(Line(R"({"b": {"z": "%PROTOCOL%", "a": "%RESPONSE_CODE%"}, "Z": "%ROUTE_NAME%x",
                     "a": ["%DURATION%", 3, 3.5, true, "lit", {}, "%REQ(nope)%"], "num": 1e20,
                     "n": null, "mix": "%RESPONSE_CODE%-%REQ(nope)%", "empty": "", "k\"q": "x",
                     "st": "%START_TIME%", "up": "%UPSTREAM_LOCAL_PORT%", "bool": false,
                     "fl": "%RESPONSE_FLAGS%", "pct": "%%x", "neg": -4})",
                 fixture.Input()),
            R"({"Z":"mainx","a":[15,3,"3.5",true,"lit",{},null],"b":{"a":200,"z":"HTTP/1.1"},)"
            R"("bool":false,"empty":"","fl":"-","k\"q":"x","mix":"200--","n":null,"neg":-4,)"
            R"("num":"1e+20","pct":"%x","st":"2026-11-22T04:11:41.173Z","up":50000})"
            "\n");
}

TEST(JsonFormatterTest, OmitEmptyValues) {
  const StreamFixture fixture;
  EXPECT_EQ(Line(R"({"abs": "%REQ(nope)%", "mix": "%RESPONSE_CODE%-%REQ(nope)%", "n": null,
                     "o": {"abs": "%REQ(nope)%"}, "l": ["%REQ(nope)%", "x"], "empty": "",
                     "fl": "%RESPONSE_FLAGS%", "lrb": "%LOCAL_REPLY_BODY%"})",
                 fixture.Input(), true),
            R"({"empty":"","fl":"-","l":["x"],"lrb":"body\n","mix":"200-"})"
            "\n");
  EXPECT_EQ(Line(R"({"a": "%REQ(nope)%"})", fixture.Input(), true), "{}\n");
  // Arrays stay, whatever is left of them.
  EXPECT_EQ(Line(R"({"a": [], "b": ["%REQ(nope)%"], "c": {"d": []}})", fixture.Input(), true),
            "{\"a\":[],\"b\":[],\"c\":{\"d\":[]}}\n");
}

TEST(JsonFormatterTest, Escaping) {
  StreamFixture fixture;
  fixture.request.headers.Add("latin", "q\"\\\t\xe9/\xc3\xa9<>&'u");
  fixture.request.headers.Add("utf8", "q\"\\\t/\xc3\xa9 \xf0\x9f\x98\x80");
  fixture.request.path = "/?c=%00%1f%7f%0a%22";
  EXPECT_EQ(Line(R"({"l": "%REQ(latin)%"})", fixture.Input()),
            R"({"l":"q\u0022\u005c\u0009\u00e9/\u00c3\u00a9<>&'u"})"
            "\n");
  EXPECT_EQ(Line(R"({"u": "<%REQ(utf8)%>"})", fixture.Input()),
            "{\"u\":\"<q\\\"\\\\\\t/\xc3\xa9 \xf0\x9f\x98\x80>\"}\n");
  EXPECT_EQ(Line(R"({"c": "%QUERY_PARAM(c)%"})", fixture.Input()),
            "{\"c\":\"\\u0000\\u001f\x7f\\n\\\"\"}\n");
}

TEST(JsonFormatterTest, BrokenUtf8IsTakenForLatin1) {
  StreamFixture fixture;
  for (const absl::string_view broken : {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",
                                         "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\x80"}) {
    fixture.request.headers.Set("h", broken);
    EXPECT_THAT(Line(R"({"h": "%REQ(h)%"})", fixture.Input()), HasSubstr("\\u00")) << broken;
  }
}

TEST(JsonFormatterTest, ErrorsNameTheKey) {
  const StreamFixture fixture;
  EXPECT_EQ(Line(R"({"a": {"b": ["x", "%NOPE%"]}})", fixture.Input()),
            "ERROR a.b[1]: %NOPE%: no such command operator (position 0)");
}

TEST(JsonFormatterTest, DepthLimit) {
  google::protobuf::Struct format;
  google::protobuf::Struct* inner = &format;
  for (int i = 0; i < JsonFormatter::kMaxDepth + 1; ++i) {
    inner = (*inner->mutable_fields())["x"].mutable_struct_value();
  }
  EXPECT_FALSE(JsonFormatter::Compile(format, {}).ok());
}

}  // namespace
}  // namespace proxenos::access_log
