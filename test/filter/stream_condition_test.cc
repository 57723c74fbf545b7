// Matches that ask what is known of a stream besides its request.
#include <string>
#include <utility>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/filter/cluster_specifier_config.h"
#include "source/filter/stream_condition_config.h"
#include "source/filter/stream_info.h"
#include "test/route/request.h"
#include "test/support/fake_tls_session.h"

namespace proxenos::filter {
namespace {

class StreamConditionTest : public ::testing::Test {
 protected:
  // Whether a match of this text holds of info_.
  bool Holds(const std::string& text) {
    envoy::config::route::v3::RouteMatch proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text + " prefix: '/'", &proto));
    config::Errors errors;
    const route::RequestMatcher matcher =
        route::CompileRequestMatcher(proto, errors, config::Path("m"), CompileStreamConditions);
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    const route::Request request("/");
    route::MatchInput input = request.Input();
    input.stream = with_stream_ ? &info_ : nullptr;
    return matcher.Matches(input);
  }
  std::string ErrorOf(const std::string& text) {
    envoy::config::route::v3::RouteMatch proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto));
    config::Errors errors;
    std::vector<route::StreamCondition> conditions;
    CompileStreamConditions(proto, config::Path("m"), errors, &conditions);
    return errors.ok() ? "" : errors.list().front().ToString();
  }

  bool with_stream_ = true;
  ConnectionInfo connection_;
  StreamInfo info_;
};

TEST_F(StreamConditionTest, Certificates) {
  EXPECT_TRUE(Holds("tls_context {}"));
  EXPECT_FALSE(Holds("tls_context { presented { value: true } }"));
  EXPECT_TRUE(Holds("tls_context { presented { value: false } validated { value: false } }"));
  testing::FakeTlsSession session;
  connection_.tls = &session;
  info_.connection = &connection_;
  session.validated = false;
  EXPECT_TRUE(Holds("tls_context { presented { value: true } }"));
  EXPECT_TRUE(Holds("tls_context { presented { value: true } validated { value: false } }"));
  EXPECT_FALSE(Holds("tls_context { validated { value: true } }"));
  session.validated = true;
  EXPECT_TRUE(Holds("tls_context { presented { value: true } validated { value: true } }"));
  EXPECT_FALSE(Holds("tls_context { validated { value: false } }"));
}

TEST_F(StreamConditionTest, Metadata) {
  const std::string exact = "filter: 'm' path { key: 'k' } value { string_match { exact: 'v' } }";
  EXPECT_FALSE(Holds("dynamic_metadata { " + exact + " }"));
  EXPECT_TRUE(Holds("dynamic_metadata { " + exact + " invert: true }"));
  info_.metadata.Set("m", "k", json::Value(std::string("v")));
  info_.metadata.Set("m", "n", json::Value(7.0));
  EXPECT_TRUE(Holds("dynamic_metadata { " + exact + " }"));
  EXPECT_FALSE(Holds("dynamic_metadata { " + exact + " invert: true }"));
  const std::string number =
      "filter: 'm' path { key: 'n' } value { double_match { range { start: 5 end: 8 } } }";
  EXPECT_TRUE(Holds("dynamic_metadata { " + exact + " } dynamic_metadata { " + number + " }"));
  with_stream_ = false;
  EXPECT_FALSE(Holds("dynamic_metadata { " + exact + " }"));
}

TEST_F(StreamConditionTest, FilterState) {
  const std::string exact = "filter_state { key: 's' string_match { exact: '10.1.2.3' } }";
  const auto ranges = [](const std::string& invert) {
    return "filter_state { key: 's' address_match { ranges { address_prefix: '10.0.0.0' prefix_len "
           "{ value: 8 } } ranges { address_prefix: '2001:db8::' prefix_len { value: 32 } } " +
           invert + " } }";
  };
  EXPECT_FALSE(Holds(exact));
  EXPECT_FALSE(Holds(ranges("invert_match: true")));  // There is none to be outside.
  info_.state.Set("s", "10.1.2.3");
  EXPECT_TRUE(Holds(exact));
  EXPECT_TRUE(Holds(ranges("")));
  EXPECT_FALSE(Holds(ranges("invert_match: true")));
  info_.state.Set("s", "2001:db8::7");
  EXPECT_TRUE(Holds(ranges("")));
  info_.state.Set("s", "192.0.2.1");
  EXPECT_FALSE(Holds(ranges("")));
  EXPECT_TRUE(Holds(ranges("invert_match: true")));
  info_.state.Set("s", "nowhere");
  EXPECT_FALSE(Holds(ranges("invert_match: true")));
}

TEST_F(StreamConditionTest, Errors) {
  EXPECT_NE(ErrorOf("filter_state { key: 's' address_match { ranges { address_prefix: 'x' } } }")
                .find("m.filter_state[0].address_match.ranges[0]"),
            std::string::npos);
  EXPECT_NE(ErrorOf("filter_state { key: 's' string_match { safe_regex { regex: '(' } } }")
                .find("m.filter_state[0].string_match"),
            std::string::npos);
}

TEST(MatcherSpecifierTest, NamesAClusterOrNone) {
  envoy::config::core::v3::TypedExtensionConfig plugin;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "by_env"
        typed_config {
          [type.googleapis.com/
           envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier] {
            cluster_matcher {
              matcher_tree {
                input {
                  name: "env"
                  typed_config {
                    [type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput] {
                      header_name: "env"
                    }
                  }
                }
                exact_match_map {
                  map {
                    key: "stage"
                    value {
                      action {
                        name: "a"
                        typed_config {
                          [type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3
                               .ClusterAction] { cluster: "staging" }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      )pb",
      &plugin));
  const route::SpecifierResult made = CompileMatcherSpecifier(plugin, config::Path("p"));
  ASSERT_NE(made.specifier, nullptr) << made.errors.ToStatus();
  const route::Request stage("/", "h", {{"env", "stage"}});
  EXPECT_EQ(made.specifier->Choose(stage.Input()), "staging");
  const route::Request other("/", "h", {{"env", "x"}});
  EXPECT_EQ(made.specifier->Choose(other.Input()), "");
  plugin.mutable_typed_config()->PackFrom(envoy::config::route::v3::RouteMatch());
  const route::SpecifierResult unknown = CompileMatcherSpecifier(plugin, config::Path("p"));
  EXPECT_TRUE(unknown.unknown);
  EXPECT_FALSE(unknown.errors.ok());
}

}  // namespace
}  // namespace proxenos::filter
