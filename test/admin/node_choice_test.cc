// Which nodes a question about client status is after.
#include "source/admin/node_choice.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "source/config/text.h"

namespace proxenos::admin {
namespace {

class NodeChoiceTest : public ::testing::Test {
 protected:
  NodeChoiceTest() {
    config::ParseYaml(
        "{id: sidecar~1, metadata: {mesh: {name: m, rev: 3}, labels: [a, b], gone: null}}", node_,
        errors_);
  }
  std::optional<bool> Ask(const std::string& yaml) {
    envoy::service::status::v3::ClientStatusRequest asked;
    config::ParseYaml(yaml, asked, errors_);
    EXPECT_TRUE(errors_.ok());
    return AsksFor(asked, node_, errors_);
  }
  bool Matches(const std::string& matchers) {
    const auto answer = Ask("{node_matchers: [" + matchers + "]}");
    EXPECT_TRUE(answer.has_value()) << matchers;
    return answer.value_or(false);
  }
  // What is wrong with the question.
  std::string Refusal(const std::string& matchers) {
    EXPECT_FALSE(Ask("{node_matchers: [" + matchers + "]}").has_value()) << matchers;
    return std::string(errors_.ToStatus().message());
  }

  envoy::config::core::v3::Node node_;
  config::Errors errors_;
};

TEST_F(NodeChoiceTest, NoMatchersMeanEveryNode) {
  EXPECT_EQ(Ask("{}"), true);
  EXPECT_EQ(Ask("{node: {id: another}, exclude_resource_contents: true}"), true);
  EXPECT_TRUE(Matches("{}"));
}

TEST_F(NodeChoiceTest, OneMatcherIsEnough) {
  EXPECT_TRUE(Matches("{node_id: {exact: sidecar~1}}"));
  EXPECT_FALSE(Matches("{node_id: {exact: sidecar~2}}"));
  EXPECT_TRUE(Matches("{node_id: {exact: sidecar~2}}, {node_id: {prefix: sidecar}}"));
  EXPECT_TRUE(Matches("{node_id: {prefix: sidecar}}, {node_id: {exact: sidecar~2}}"));
}

TEST_F(NodeChoiceTest, AllPartsOfAMatcherCount) {
  const std::string name = "{path: [{key: mesh}, {key: name}], value: {string_match: {exact: m}}}";
  const std::string rev = "{path: [{key: mesh}, {key: rev}], value: {double_match: {exact: 3}}}";
  const std::string other = "{path: [{key: mesh}, {key: rev}], value: {double_match: {exact: 4}}}";
  const auto with = [](const std::string& id, const std::string& metadata) {
    return "{node_id: {exact: " + id + "}, node_metadatas: [" + metadata + "]}";
  };
  EXPECT_TRUE(Matches(with("sidecar~1", name)));
  EXPECT_TRUE(Matches(with("sidecar~1", name + ", " + rev)));
  EXPECT_FALSE(Matches(with("sidecar~1", name + ", " + other)));
  EXPECT_FALSE(Matches(with("sidecar~2", name)));
}

TEST_F(NodeChoiceTest, MetadataByPath) {
  const auto of = [](const std::string& path, const std::string& value) {
    return "{node_metadatas: [{path: [{key: " + path + "}], value: " + value + "}]}";
  };
  EXPECT_TRUE(Matches(of("labels", "{list_match: {one_of: {string_match: {exact: b}}}}")));
  EXPECT_FALSE(Matches(of("labels", "{list_match: {one_of: {string_match: {exact: c}}}}")));
  EXPECT_TRUE(Matches(of("gone", "{null_match: {}}")));
  EXPECT_FALSE(Matches(of("nowhere", "{null_match: {}}")));
  EXPECT_FALSE(Matches(of("nowhere", "{present_match: true}")));
  EXPECT_TRUE(Matches(of("mesh", "{present_match: true}")));
}

TEST_F(NodeChoiceTest, BadMatchersAreNamedByPath) {
  const std::string refusal = Refusal("{node_id: {exact: sidecar~1}}, {node_id: {}}");
  EXPECT_NE(refusal.find("node_matchers[1].node_id"), std::string::npos) << refusal;
}

TEST_F(NodeChoiceTest, MatchersWithoutPathOrValue) {
  const std::string refusal = Refusal("{node_metadatas: [{}]}");
  EXPECT_NE(refusal.find("node_matchers[0].node_metadatas[0].path"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("node_matchers[0].node_metadatas[0].value"), std::string::npos) << refusal;
}

TEST_F(NodeChoiceTest, BadRegex) {
  const std::string refusal = Refusal("{node_id: {safe_regex: {google_re2: {}, regex: '('}}}");
  EXPECT_NE(refusal.find("node_matchers[0].node_id"), std::string::npos) << refusal;
}

}  // namespace
}  // namespace proxenos::admin
