// Filters that make dynamic metadata, and what other filters and access logs see of it; and the
// filter against forged requests.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/csrf/v3/csrf.pb.h"
#include "envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.pb.h"
#include "envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.pb.h"
#include "envoy/extensions/filters/http/set_metadata/v3/set_metadata.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using HeaderToMetadata = envoy::extensions::filters::http::header_to_metadata::v3::Config;
using SetMetadata = envoy::extensions::filters::http::set_metadata::v3::Config;
using SetFilterState = envoy::extensions::filters::http::set_filter_state::v3::Config;
using CsrfPolicy = envoy::extensions::filters::http::csrf::v3::CsrfPolicy;

std::string Metadata(FilterHarness& stream) {
  const json::Object* all = stream.info.metadata.all();
  return all == nullptr ? "" : json::ToJson(json::Value(*all));
}

TEST(HeaderToMetadataTest, FieldsOfRequestsAndResponses) {
  auto stream = MakeStream(Pack<HeaderToMetadata>(R"(
      request_rules { header: "X-Version" remove: true
        on_header_present { metadata_namespace: "n" key: "version" } }
      request_rules { header: ":path"
        on_header_present { metadata_namespace: "n" key: "first" regex_value_rewrite {
          pattern { regex: "^/([^/]*).*" } substitution: "\\1" } } }
      request_rules { header: "x-none"
        on_header_present { key: "no" } on_header_missing { key: "none" value: "missing" } }
      request_rules { cookie: "c" on_header_present { key: "cookie" type: NUMBER } }
      request_rules { header: "x-b" on_header_present { key: "b" encode: BASE64 } }
      request_rules { header: "x-nan" on_header_present { key: "nan" type: NUMBER } }
      request_rules { header: "x-fixed" on_header_present { key: "fixed" value: "f" } }
      response_rules { header: "x-resp" on_header_present { metadata_namespace: "n" key: "r" } })"),
                           {.path = "/one/two",
                            .fields = {{"x-version", "1"},
                                       {"x-version", "2"},
                                       {"cookie", "a=b; c=1.5"},
                                       {"x-b", "aGk="},
                                       {"x-nan", "many"},
                                       {"x-fixed", "anything"}}});
  stream->SendRequest(true);
  EXPECT_EQ(Metadata(*stream),
            R"({"envoy.lb":{"b":"hi","cookie":1.5,"fixed":"f","none":"missing"},)"
            R"("n":{"first":"one","version":"1,2"}})");
  EXPECT_EQ(Value(stream->request.headers, "x-version"), "-");
  stream->response.headers.Add("x-resp", "yes");
  stream->SendResponse(200, "", true);
  EXPECT_EQ(*stream->info.metadata.Find("n", {"r"})->text(), "yes");
}

TEST(HeaderToMetadataTest, ACookieOfNothingIsMissing) {
  auto stream = MakeStream(Pack<HeaderToMetadata>(R"(
      request_rules { cookie: "c" on_header_present { key: "c" }
        on_header_missing { key: "c" value: "none" } })"),
                           {.fields = {{"cookie", "a=b; c="}}});
  stream->SendRequest(true);
  EXPECT_EQ(Metadata(*stream), R"({"envoy.lb":{"c":"none"}})");
}

// As Envoy counts the same messages.
TEST(HeaderToMetadataTest, CountsWithAPrefix) {
  auto stream = MakeStream(
      Pack<HeaderToMetadata>(R"(
      stat_prefix: "mine"
      request_rules { header: "x-a" on_header_present { key: "a" }
        on_header_missing { key: "a" value: "none" } }
      request_rules { header: "x-b" on_header_present { key: "b" encode: BASE64 } }
      request_rules { header: "x-c" on_header_present { key: "c" } }
      request_rules { header: "x-n" on_header_present { key: "d" type: NUMBER } }
      request_rules { header: "x-s" on_header_present { key: "e" regex_value_rewrite {
          pattern { regex: ".*" } } } }
      response_rules { header: "x-z" on_header_present { key: "z" } }
      response_rules { header: ":status" on_header_present { key: "st" } })"),
      {.fields = {
           {"x-b", "!!!"}, {"x-c", std::string(9000, 'x')}, {"x-n", "abc"}, {"x-s", "abc"}}});
  stream->SendRequest(true);
  stream->SendResponse(200, "", true);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.request_rules_processed"), 5u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.request_metadata_added"), 1u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.request_header_not_found"), 1u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.response_rules_processed"), 2u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.response_metadata_added"), 1u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.response_header_not_found"), 0u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.base64_decode_failed"), 1u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.header_value_too_long"), 1u);
  EXPECT_EQ(stream->Stat("http_filter_name.mine.regex_substitution_failed"), 1u);
}

TEST(SetMetadataTest, MergesOrLeavesAlone) {
  auto stream = MakeStream(Pack<SetMetadata>(R"(
      metadata { metadata_namespace: "a" value {
        fields { key: "x" value { string_value: "1" } }
        fields {
          key: "o" value { struct_value { fields { key: "p" value { bool_value: true } } } } }
        fields { key: "l" value { list_value { values { number_value: 1 } } } } } }
      metadata { metadata_namespace: "a" value {
        fields { key: "x" value { string_value: "refused" } } } }
      metadata { metadata_namespace: "a" allow_overwrite: true value {
        fields { key: "x" value { string_value: "2" } }
        fields { key: "o" value { struct_value { fields { key: "q" value { null_value: 0 } } } } }
        fields { key: "l" value { list_value { values { number_value: 2 } } } } } }
      metadata { metadata_namespace: "typed" typed_value { type_url: "x" value: "y" } })"),
                           {});
  stream->SendRequest(true);
  EXPECT_EQ(Metadata(*stream), R"({"a":{"l":[1,2],"o":{"p":true,"q":null},"x":"2"}})");
}

TEST(CsrfTest, OnlyWhatChangesSomethingIsJudged) {
  const struct {
    const char* method;
    const char* field;
    const char* value;
    bool passes;
  } kCases[] = {
      {"POST", "origin", "http://host", true},
      {"POST", "origin", "https://host", true},
      {"POST", "origin", "http://host:8080", false},
      {"POST", "origin", "http://other", false},
      {"PUT", "origin", "http://friend.example", true},
      {"DELETE", "referer", "http://host/page?a=http://other", true},
      {"PATCH", "referer", "http://other/host", false},
      {"POST", "origin", "null", false},
      {"POST", "x-none", "", false},
      {"GET", "origin", "http://other", true},
      {"OPTIONS", "origin", "http://other", true},
  };
  const auto policy = Pack<CsrfPolicy>(
      "filter_enabled { default_value { numerator: 100 } } "
      "additional_origins { suffix: '.example' }");
  for (const auto& one : kCases) {
    auto stream = MakeStream(policy, {.method = one.method, .fields = {{one.field, one.value}}});
    stream->SendRequest(true);
    EXPECT_EQ(stream->request_out.head, one.passes) << one.method << " " << one.value;
    if (!one.passes) {
      EXPECT_EQ(ResponseText(*stream), "403 Invalid origin");
      EXPECT_EQ(stream->info.details, "csrf_origin_mismatch");
    }
  }
}

TEST(CsrfTest, NullOriginsAreNotHelpedByTheirReferer) {
  const auto policy = Pack<CsrfPolicy>("filter_enabled { default_value { numerator: 100 } }");
  auto stream = MakeStream(
      policy, {.method = "POST", .fields = {{"origin", "null"}, {"referer", "http://host/a"}}});
  stream->SendRequest(true);
  EXPECT_EQ(ResponseText(*stream), "403 Invalid origin");
}

TEST(CsrfTest, ShadowCountsAlone) {
  auto stream = MakeStream(Pack<CsrfPolicy>("filter_enabled { default_value { numerator: 0 } } "
                                            "shadow_enabled { default_value { numerator: 100 } }"),
                           {.method = "POST", .fields = {{"origin", "http://other"}}});
  stream->SendRequest(true);
  EXPECT_TRUE(stream->request_out.head);
  EXPECT_EQ(stream->Stat("http.test.csrf.request_invalid"), 1u);
}

// A value of set_filter_state.
std::string StateValue(const std::string& key, const std::string& format,
                       const std::string& more = "factory_key: 'envoy.string'") {
  return "on_request_headers { object_key: '" + key +
         "' format_string { text_format_source { "
         "inline_string: '" +
         format + "' } } " + more + " } ";
}

TEST(SetFilterStateTest, TextsOfTheRequest) {
  auto stream = MakeStream(
      Pack<SetFilterState>(
          StateValue("who", "%REQ(x-user)%@%REQ(:AUTHORITY)%") + StateValue("fixed", "text") +
          "on_request_headers { object_key: 'empty' factory_key: 'envoy.string' skip_if_empty: "
          "true "
          "format_string { omit_empty_values: true text_format_source { inline_string: "
          "'%REQ(x-none)%' } } } clear_route_cache: true"),
      {.fields = {{"x-user", "ann"}}});
  stream->SendRequest(true);
  ASSERT_NE(stream->info.state.Find("who"), nullptr);
  EXPECT_EQ(*stream->info.state.Find("who"), "ann@host");
  EXPECT_EQ(*stream->info.state.Find("fixed"), "text");
  EXPECT_EQ(stream->info.state.Find("empty"), nullptr);
  EXPECT_EQ(stream->reroutes, 1);
}

TEST(SetFilterStateTest, OtherKindsAreRefused) {
  for (const filter::FilterKind& kind : server::BuiltinFilters()) {
    if (kind.type != SetFilterState::descriptor()->full_name()) continue;
    config::Errors errors;
    kind.create(Pack<SetFilterState>(StateValue("envoy.tcp_proxy.cluster", "x", "")),
                config::Path("f"), errors);
    EXPECT_NE(std::string(errors.ToStatus().message()).find("f.on_request_headers[0].object_key"),
              std::string::npos)
        << errors.ToStatus();
  }
}

}  // namespace
}  // namespace proxenos::filters
