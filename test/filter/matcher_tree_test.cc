// Matchers over connections and messages: what each input reads, and what a configuration may ask.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/config/text.h"
#include "source/filter/matcher_tree_config.h"

namespace proxenos::filter {
namespace {

using match::Found;
using Kind = TreeInput::Kind;

net::Address Ip(const char* text, uint16_t port = 0) { return *net::Address::FromIp(text, port); }

class TreeInputTest : public ::testing::Test {
 protected:
  TreeInputTest() {
    connection_.local = Ip("10.1.2.3", 8080);
    connection_.direct_remote = Ip("192.168.0.7", 1234);
    info_.connection = &connection_;
    info_.remote = Ip("2001:db8::5", 99);
    head_.path = "/a?x=1&y%20z=%41&x=2#f";
    head_.headers.Add("x-one", "1");
    head_.headers.Add("x-two", "a");
    head_.headers.Add("x-two", "b");
    response_.status = 503;
    response_.headers.Add("x-r", "r");
  }
  std::string Read(TreeInput input, bool with_response = true) {
    if (input.kind == Kind::kHeader) input.header = route::FieldName(input.name);
    MatchSubject subject = MatchSubject::OfRequest(info_, head_);
    if (with_response) subject.response = &response_;
    match::Reading reading;
    input.Read(subject, reading);
    if (reading.state == match::Reading::State::kLater) return "later";
    if (reading.state == match::Reading::State::kAbsent) return "absent";
    return std::string(reading.text);
  }

  ConnectionInfo connection_;
  StreamInfo info_;
  buffer::Arena arena_;
  http::RequestHead head_{arena_};
  http::ResponseHead response_{arena_};
};

TEST_F(TreeInputTest, OfConnections) {
  EXPECT_EQ(Read({Kind::kDestinationIp}), "10.1.2.3");
  EXPECT_EQ(Read({Kind::kDestinationPort}), "8080");
  EXPECT_EQ(Read({Kind::kDirectSourceIp}), "192.168.0.7");
  EXPECT_EQ(Read({Kind::kSourceIp}), "2001:db8::5");
  EXPECT_EQ(Read({Kind::kSourcePort}), "99");
  EXPECT_EQ(Read({Kind::kSourceType}), "absent");
  info_.remote = Ip("127.0.0.1");
  EXPECT_EQ(Read({Kind::kSourceType}), "local");
  EXPECT_EQ(Read({Kind::kServerName}), "absent");
  EXPECT_EQ(Read({Kind::kUriSan}), "absent");
  connection_.requested_server_name = "www.example.com";
  EXPECT_EQ(Read({Kind::kServerName}), "www.example.com");
}

TEST_F(TreeInputTest, OfMessages) {
  EXPECT_EQ(Read({Kind::kHeader, "x-one"}), "1");
  EXPECT_EQ(Read({Kind::kHeader, "x-two"}), "a,b");
  EXPECT_EQ(Read({Kind::kHeader, "x-none"}), "absent");
  EXPECT_EQ(Read({Kind::kQueryParameter, "x"}), "1");
  EXPECT_EQ(Read({Kind::kQueryParameter, "y z"}), "A");
  EXPECT_EQ(Read({Kind::kQueryParameter, "f"}), "absent");
  EXPECT_EQ(Read({Kind::kFilterState, "key"}), "absent");
  info_.state.Set("key", "value");
  EXPECT_EQ(Read({Kind::kFilterState, "key"}), "value");
  EXPECT_EQ(Read({Kind::kConstant, "c"}), "c");
  EXPECT_EQ(Read({Kind::kStatus}), "503");
  EXPECT_EQ(Read({Kind::kStatusClass}), "5xx");
  EXPECT_EQ(Read({Kind::kResponseHeader, "x-r"}), "r");
  EXPECT_EQ(Read({Kind::kLocalReply}), "false");
  EXPECT_EQ(Read({Kind::kStatus}, /*with_response=*/false), "later");
}

constexpr char kHeader[] = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

std::string Input(const std::string& type, const std::string& more = "") {
  return absl::StrCat("{name: i, typed_config: {'@type': type.googleapis.com/", type, more, "}}");
}

class CompileTest : public ::testing::Test {
 protected:
  // The first error, or "" when there is none.
  std::string Compile(const std::string& yaml, MatchTime time) {
    xds::type::matcher::v3::Matcher proto;
    config::Errors errors;
    config::ParseYaml(yaml, proto, errors);
    EXPECT_TRUE(errors.ok()) << yaml;
    tree_ = CompileMatcherTree(
        proto, time,
        [](const google::protobuf::Any&, const config::Path&) {
          return std::optional<uint32_t>(7);
        },
        config::Path("m"), errors);
    EXPECT_EQ(tree_.has_value(), errors.count() == 0);
    return errors.count() == 0 ? "" : errors.list().front().ToString();
  }
  std::string CompileInput(const std::string& input, MatchTime time,
                           const std::string& match = "value_match: {exact: a}") {
    return Compile(
        absl::StrCat("{matcher_list: {matchers: [{predicate: {single_predicate: {input: ", input,
                     ", ", match,
                     "}}, on_match: {action: {name: a, typed_config: {'@type': "
                     "type.googleapis.com/google.protobuf.Empty}}}}]}}"),
        time);
  }

  std::optional<MatcherTree> tree_;
};

TEST_F(CompileTest, InputsFitTheTime) {
  const std::string header = Input(kHeader, ", header_name: X-A");
  const std::string status = Input("envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput");
  EXPECT_EQ(CompileInput(header, MatchTime::kRequest), "");
  EXPECT_NE(CompileInput(header, MatchTime::kConnection).find("a connection has no headers"),
            std::string::npos);
  EXPECT_EQ(CompileInput(status, MatchTime::kResponse), "");
  EXPECT_NE(CompileInput(status, MatchTime::kRequest).find("there is no response yet"),
            std::string::npos);
  EXPECT_NE(CompileInput(Input("google.protobuf.Empty"), MatchTime::kRequest)
                .find("is not an input that proxenos knows here"),
            std::string::npos);
}

TEST_F(CompileTest, MatchersFitTheInput) {
  const std::string metadata =
      Input("envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput",
            ", filter: f, path: [{key: k}]");
  const std::string value =
      "custom_match: {name: m, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.matching.input_matchers.metadata.v3.Metadata, "
      "value: {string_match: {exact: v}}}}";
  const std::string share =
      "custom_match: {name: m, typed_config: {'@type': type.googleapis.com/"
      "envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing, "
      "modulo: 10, threshold: 0}}";
  EXPECT_EQ(CompileInput(metadata, MatchTime::kRequest, value), "");
  EXPECT_NE(CompileInput(metadata, MatchTime::kRequest), "");
  const std::string header = Input(kHeader, ", header_name: x-a");
  EXPECT_NE(CompileInput(header, MatchTime::kRequest, value), "");

  EXPECT_EQ(CompileInput(header, MatchTime::kRequest, share), "");
  buffer::Arena arena;
  http::RequestHead head(arena);
  const StreamInfo info;
  EXPECT_EQ(tree_->Find(MatchSubject::OfRequest(info, head)).state, Found::State::kNothing);
  head.headers.Add("x-a", "any");
  const Found found = tree_->Find(MatchSubject::OfRequest(info, head));
  EXPECT_EQ(found.state, Found::State::kAction);
  EXPECT_EQ(found.action, 7u);
}

}  // namespace
}  // namespace proxenos::filter
