// Metadata of bodies: which values, as what, and what a body that cannot be read leaves.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/json_to_metadata/v3/json_to_metadata.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::json_to_metadata::v3::JsonToMetadata;

constexpr char kOwn[] = "envoy.filters.http.json_to_metadata";

// Rules by the path "NAME/NAME…", each under its path's last name.
std::string RuleOf(const std::string& selectors, const std::string& more) {
  return absl::StrCat("rules { ", selectors, " ", more, " }");
}
const std::string kModel = "selectors { key: 'model' }";
const std::string kDeep = "selectors { key: 'a' } selectors { key: 'b' }";

class JsonToMetadataTest : public ::testing::Test {
 protected:
  void Begin(const std::string& text, const std::string& type = "application/json",
             const std::string& per_route = "") {
    auto config = RouteToOrigin();
    auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
    if (!per_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] = Pack<Proto>(per_route);
    }
    routes_ = MakeRoutes(config);
    Fields fields;
    if (!type.empty()) fields.push_back({"content-type", type});
    stream_ = MakeStream(Pack<Proto>(text), {.fields = fields}, routes_);
  }
  // A whole request, in two pieces.
  void Send(const std::string& body) {
    stream_->SendRequest(body.empty());
    if (body.empty()) return;
    stream_->SendRequestBody(body.substr(0, 1), false);
    EXPECT_FALSE(stream_->request_out.head);
    stream_->SendRequestBody(body.substr(1), true);
    EXPECT_TRUE(stream_->request_out.end);
    EXPECT_EQ(stream_->request_out.body.ToString(), body);
  }
  // What is under `space`, as JSON; "-": nothing.
  std::string Metadata(const std::string& space = kOwn) {
    const json::Object* values = stream_->info.metadata.Find(space);
    if (values == nullptr) return "-";
    std::string text;
    json::AppendJson(*values, text);
    return text;
  }
  std::string Of(const std::string& rules, const std::string& body) {
    Begin(absl::StrCat("request_rules { ", rules, " }"));
    Send(body);
    return Metadata();
  }

  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(JsonToMetadataTest, ValuesOfEachKind) {
  const auto as = [this](const std::string& type, const std::string& value) {
    return Of(RuleOf(kModel, absl::StrCat("on_present { key: 'm' type: ", type,
                                          " } on_missing { key: 'x' value { bool_value: true } }")),
              absl::StrCat("{\"model\": ", value, "}"));
  };
  EXPECT_EQ(as("PROTOBUF_VALUE", "\"large\""), R"({"m":"large"})");
  EXPECT_EQ(as("PROTOBUF_VALUE", "3"), R"({"m":3})");
  EXPECT_EQ(as("PROTOBUF_VALUE", "1.5"), R"({"m":1.5})");
  EXPECT_EQ(as("PROTOBUF_VALUE", "true"), R"({"m":true})");
  EXPECT_EQ(as("PROTOBUF_VALUE", "\"\""), R"({"m":""})");
  for (const char* other : {"null", "[1]", "{\"a\": 1}"}) {
    EXPECT_EQ(as("PROTOBUF_VALUE", other), R"({"x":true})") << other;
    EXPECT_EQ(as("STRING", other), R"({"x":true})") << other;
    EXPECT_EQ(as("NUMBER", other), R"({"x":true})") << other;
  }
  EXPECT_EQ(as("STRING", "3"), R"({"m":"3"})");
  EXPECT_EQ(as("STRING", "1.5"), R"({"m":"1.500000"})");
  EXPECT_EQ(as("STRING", "1e3"), R"({"m":"1000.000000"})");
  EXPECT_EQ(as("STRING", "true"), R"({"m":"1"})");
  EXPECT_EQ(as("STRING", "\"\""), "-");
  EXPECT_EQ(as("NUMBER", "\" 7.5 \""), R"({"m":7.5})");
  EXPECT_EQ(as("NUMBER", "\"x\""), R"({"x":true})");
  EXPECT_EQ(as("NUMBER", "false"), R"({"m":0})");
  const std::string most(8192, 'a');
  EXPECT_EQ(as("STRING", absl::StrCat("\"", most, "\"")), absl::StrCat("{\"m\":\"", most, "\"}"));
  EXPECT_EQ(as("STRING", absl::StrCat("\"", most, "a\"")), R"({"x":true})");
}

TEST_F(JsonToMetadataTest, PathsAndFixedValues) {
  const std::string rules = absl::StrCat(
      RuleOf(kDeep,
             "on_present { metadata_namespace: 'lb' key: 'b' } "
             "on_missing { metadata_namespace: 'lb' key: 'none' value { number_value: 1 } }"),
      RuleOf(kModel, "on_present { key: 'fixed' value { string_value: 'yes' } }"));
  const auto of = [this, &rules](const std::string& body) {
    const std::string own = Of(rules, body);
    return absl::StrCat(own, " ", Metadata("lb"));
  };
  EXPECT_EQ(of(R"({"a": {"b": "deep"}, "model": 1})"), R"({"fixed":"yes"} {"b":"deep"})");
  EXPECT_EQ(of(R"({"a": {"c": 1}})"), R"(- {"none":1})");
  EXPECT_EQ(of(R"({"a": [1]})"), R"(- {"none":1})");
  EXPECT_EQ(of(R"({"b": 1})"), R"(- {"none":1})");
  EXPECT_EQ(of("\"text\""), R"(- {"none":1})");
  EXPECT_EQ(stream_->Stat("json_to_metadata.rq.success"), 1u);
}

TEST_F(JsonToMetadataTest, WhatIsNoJson) {
  const std::string rules =
      RuleOf(kModel,
             "on_present { key: 'm' } on_missing { key: 'missing' value { bool_value: true } } "
             "on_error { key: 'error' value { bool_value: true } }");
  for (const char* broken : {"{", "{\"model\": 1} x", "{\"model\": 1, \"model\": 2}", "\xff"}) {
    EXPECT_EQ(Of(rules, broken), R"({"error":true})") << broken;
    EXPECT_EQ(stream_->Stat("json_to_metadata.rq.invalid_json_body"), 1u);
    EXPECT_EQ(stream_->reroutes, 1);
  }
  EXPECT_EQ(Of(rules, ""), R"({"missing":true})");
  EXPECT_EQ(stream_->Stat("json_to_metadata.rq.no_body"), 1u);
  // Another type is not waited for.
  Begin(absl::StrCat("request_rules { ", rules, " }"), "text/plain");
  stream_->SendRequest(false);
  EXPECT_TRUE(stream_->request_out.head);
  EXPECT_EQ(Metadata(), R"({"error":true})");
  EXPECT_EQ(stream_->Stat("json_to_metadata.rq.mismatched_content_type"), 1u);
  // More than is looked at.
  Begin(absl::StrCat("request_rules { ", rules, " }"));
  stream_->SendRequest(false);
  stream_->SendRequestBody(std::string(1024 * 1024 + 1, ' '), false);
  EXPECT_EQ(stream_->response.status, 413);
  EXPECT_EQ(Metadata(), "-");
}

TEST_F(JsonToMetadataTest, TypesOfContent) {
  const std::string rule = RuleOf(kModel, "on_present { key: 'm' }");
  const auto looks = [this, &rule](const std::string& types, const std::string& type) {
    Begin(absl::StrCat("request_rules { ", rule, types, " }"), type);
    stream_->SendRequest(false);
    stream_->SendRequestBody(R"({"model": 1})", true);
    return Metadata() != "-";
  };
  EXPECT_TRUE(looks("", "application/json"));
  EXPECT_FALSE(looks("", "application/json; charset=utf-8"));
  EXPECT_FALSE(looks("", ""));
  EXPECT_TRUE(looks("allow_empty_content_type: true", ""));
  EXPECT_TRUE(looks("allow_content_types: 'text/json'", "text/json"));
  EXPECT_FALSE(looks("allow_content_types: 'text/json'", "application/json"));
  const std::string pattern =
      "allow_content_types_regex { google_re2 {} regex: 'application/(.*\\\\+)?json.*' }";
  EXPECT_TRUE(looks(pattern, "application/ld+json; x=1"));
  EXPECT_TRUE(looks(pattern, "application/json"));
  EXPECT_FALSE(looks(pattern, "text/application/json"));
}

TEST_F(JsonToMetadataTest, WhatOthersWroteMayStay) {
  const std::string rules =
      absl::StrCat(RuleOf(kModel, "on_present { key: 'm' preserve_existing_metadata_value: true }"),
                   RuleOf("selectors { key: 'n' }", "on_present { key: 'n' }"));
  Begin(absl::StrCat("request_rules { ", rules, " }"));
  stream_->info.metadata.Set(kOwn, "m", json::Value(std::string("old")));
  stream_->info.metadata.Set(kOwn, "n", json::Value(std::string("old")));
  Send(R"({"model": "new", "n": "new"})");
  EXPECT_EQ(Metadata(), R"({"m":"old","n":"new"})");
}

TEST_F(JsonToMetadataTest, ResponsesToo) {
  Begin(absl::StrCat("response_rules { ", RuleOf(kModel, "on_present { key: 'm' }"), " }"));
  stream_->SendRequest(true);
  EXPECT_TRUE(stream_->request_out.end);
  stream_->response.headers.Add("content-type", "application/json");
  stream_->SendResponse(200, R"({"mod)", false);
  EXPECT_FALSE(stream_->response_out.head);
  stream_->SendResponseBody(R"(el": "x"})", true);
  EXPECT_EQ(ResponseText(*stream_), R"(200 {"model": "x"})");
  EXPECT_EQ(Metadata(), R"({"m":"x"})");
  EXPECT_EQ(stream_->reroutes, 0);
  EXPECT_EQ(stream_->Stat("json_to_metadata.resp.success"), 1u);
}

TEST_F(JsonToMetadataTest, RoutesHaveTheirOwn) {
  Begin(absl::StrCat("request_rules { ", RuleOf(kModel, "on_present { key: 'm' }"), " }"),
        "application/json",
        absl::StrCat("request_rules { ", RuleOf(kModel, "on_present { key: 'r' }"), " }"));
  Send(R"({"model": 1})");
  EXPECT_EQ(Metadata(), R"({"r":1})");
}

TEST_F(JsonToMetadataTest, WhatCannotBe) {
  const auto error = [](const std::string& text) -> std::string {
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != Proto::descriptor()->full_name()) continue;
      config::Errors errors;
      EXPECT_EQ(kind.create(Pack<Proto>(text), config::Path("f"), errors), nullptr);
      return errors.list()[0].ToString();
    }
    return "no such filter";
  };
  EXPECT_EQ(error(""), "f: expected request_rules or response_rules");
  EXPECT_EQ(error("request_rules { rules { selectors { key: 'a' } } }"),
            "f.request_rules.rules[0]: expected on_present or on_missing");
  EXPECT_EQ(error("request_rules { rules { selectors { key: 'a' } on_missing { key: 'k' } } }"),
            "f.request_rules.rules[0].on_missing.value: expected a value");
}

}  // namespace
}  // namespace proxenos::filters
