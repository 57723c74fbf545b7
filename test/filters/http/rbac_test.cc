// Access by rules: policies, matcher trees, what is on trial, what is left behind and counted.
#include <memory>
#include <string>

#include "envoy/config/rbac/v3/rbac.pb.h"
#include "envoy/extensions/filters/http/rbac/v3/rbac.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs.pb.h"
#include "envoy/extensions/matching/input_matchers/ip/v3/ip.pb.h"
#include "envoy/extensions/matching/input_matchers/metadata/v3/metadata.pb.h"
#include "envoy/type/matcher/v3/http_inputs.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::rbac::v3::RBAC;

// A policy of RBAC.policies.
std::string Policy(const std::string& name, const std::string& permission,
                   const std::string& principal = "any: true") {
  return absl::StrCat("policies { key: '", name, "' value { permissions { ", permission,
                      " } principals { ", principal, " } } } ");
}

class RbacTest : public ::testing::Test {
 protected:
  void Configure(const std::string& text) { factory_ = MakeFactory(Pack<Proto>(text)); }
  void Begin(const RequestLine& line = {}) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          connection_.local = *net::Address::FromIp("10.9.9.9", 8443);
          connection_.direct_remote = *net::Address::FromIp("192.168.0.1", 5);
          stream.info.connection = &connection_;
          stream.info.remote = *net::Address::FromIp("10.1.2.3", 1);
          stream.info.metadata.Set("jwt", "sub", json::Value(std::string("me")));
          stream.info.state.Set("who", "10.7.7.7");
          if (routes_ == nullptr) return;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
        });
    stream_->SendRequest(true);
  }
  bool Passes(const RequestLine& line = {}) {
    Begin(line);
    return stream_->request_out.head;
  }
  // Whether the one policy with this permission and principal lets the request pass.
  bool Allows(const std::string& permission, const std::string& principal = "any: true",
              const RequestLine& line = {}) {
    Configure("rules { " + Policy("p", permission, principal) + "}");
    return Passes(line);
  }
  std::string Kept(const std::string& name) {
    const json::Value* value = stream_->info.metadata.Find("envoy.filters.http.rbac", {name});
    return value == nullptr ? "-" : *value->text();
  }

  filter::ConnectionInfo connection_;
  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(RbacTest, RefusesByName) {
  Configure("rules { action: DENY " + Policy("no admin", "url_path { path { prefix: '/admin' } }") +
            "}");
  EXPECT_TRUE(Passes({.path = "/public"}));
  EXPECT_EQ(stream_->Stat("http.test.rbac.allowed"), 1u);
  EXPECT_EQ(Kept("enforced_engine_result"), "allowed");
  EXPECT_EQ(Kept("enforced_effective_policy_id"), "-");
  EXPECT_FALSE(Passes({.path = "/admin?x"}));
  EXPECT_EQ(ResponseText(*stream_), "403 RBAC: access denied");
  EXPECT_EQ(stream_->info.details, "rbac_access_denied_matched_policy[no_admin]");
  EXPECT_EQ(stream_->Stat("http.test.rbac.denied"), 1u);
  EXPECT_EQ(Kept("enforced_engine_result"), "denied");
  EXPECT_EQ(Kept("enforced_effective_policy_id"), "no admin");
}

TEST_F(RbacTest, WhoIsInNoPolicyIsRefused) {
  Configure("rules {}");
  EXPECT_FALSE(Passes());
  EXPECT_EQ(stream_->info.details, "rbac_access_denied_matched_policy[none]");
  Configure("");
  EXPECT_TRUE(Passes());
}

TEST_F(RbacTest, PermissionsAndPrincipals) {
  EXPECT_TRUE(Allows("header { name: ':method' string_match { exact: 'POST' } }"));
  EXPECT_FALSE(Allows("header { name: ':method' string_match { exact: 'GET' } }"));
  EXPECT_TRUE(Allows("destination_port: 8443"));
  EXPECT_TRUE(
      Allows("any: true", "remote_ip { address_prefix: '10.1.0.0' prefix_len { value: 16 } }"));
  EXPECT_FALSE(Allows("any: true",
                      "direct_remote_ip { address_prefix: '10.1.0.0' prefix_len { value: 16 } }"));
  EXPECT_FALSE(Allows("any: true", "authenticated {}"));
  const std::string me = "filter: 'jwt' path { key: 'sub' } value { string_match { exact: 'me' } }";
  EXPECT_TRUE(Allows("any: true", "metadata { " + me + " }"));
  EXPECT_FALSE(Allows("any: true", "metadata { " + me + " invert: true }"));
  EXPECT_TRUE(Allows("any: true", "sourced_metadata { metadata_matcher { " + me + " } }"));
  EXPECT_FALSE(Allows(
      "any: true", "sourced_metadata { metadata_matcher { " + me + " } metadata_source: ROUTE }"));
  EXPECT_TRUE(Allows("any: true", "filter_state { key: 'who' string_match { prefix: '10.7' } }"));
  EXPECT_FALSE(Allows("any: true", "filter_state { key: 'nobody' string_match { prefix: '' } }"));
  const std::string range = "ranges { address_prefix: '10.7.0.0' prefix_len { value: 16 } }";
  EXPECT_TRUE(Allows("any: true", "filter_state { key: 'who' address_match { " + range + " } }"));
  EXPECT_FALSE(Allows("any: true", "filter_state { key: 'who' address_match { " + range +
                                       " invert_match: true } }"));
}

TEST_F(RbacTest, TrialsAreNoted) {
  Configure("shadow_rules { action: DENY " + Policy("p", "any: true") +
            "} shadow_rules_stat_prefix: 'dry_run_' track_per_rule_stats: true");
  EXPECT_TRUE(Passes());
  EXPECT_EQ(Kept("dry_run_shadow_engine_result"), "denied");
  EXPECT_EQ(Kept("dry_run_shadow_effective_policy_id"), "p");
  EXPECT_EQ(Kept("enforced_engine_result"), "-");
  EXPECT_EQ(stream_->Stat("http.test.rbac.dry_run_.shadow_denied"), 1u);
  EXPECT_EQ(stream_->Stat("http.test.rbac.dry_run_.policy.p.shadow_denied"), 1u);
}

TEST_F(RbacTest, PoliciesAreCounted) {
  Configure("rules { " + Policy("p", "any: true") +
            "} rules_stat_prefix: 'mine.' track_per_rule_stats: true");
  EXPECT_TRUE(Passes());
  EXPECT_EQ(stream_->Stat("http.test.rbac.mine.allowed"), 1u);
  EXPECT_EQ(stream_->Stat("http.test.rbac.mine.policy.p.allowed"), 1u);
  Configure("rules { action: DENY " + Policy("q", "any: true") + "} track_per_rule_stats: true");
  EXPECT_FALSE(Passes());
  EXPECT_EQ(stream_->Stat("http.test.rbac.policy.q.denied"), 1u);
}

TEST_F(RbacTest, LogRulesLeaveAHint) {
  Configure("rules { action: LOG " + Policy("p", "url_path { path { exact: '/a' } }") + "}");
  const auto hint = [this](const char* path) {
    EXPECT_TRUE(Passes({.path = path}));
    return *stream_->info.metadata.Find("envoy.common", {"access_log_hint"})->boolean();
  };
  EXPECT_TRUE(hint("/a"));
  EXPECT_FALSE(hint("/b"));
}

TEST_F(RbacTest, RoutesReplaceTheRules) {
  Configure("rules {}");
  envoy::config::route::v3::RouteConfiguration config;
  auto* host = config.add_virtual_hosts();
  host->set_name("all");
  host->add_domains("*");
  for (const char* prefix : {"/free", "/some", "/"}) {
    auto* route = host->add_routes();
    route->mutable_match()->set_prefix(prefix);
    route->mutable_route()->set_cluster("origin");
  }
  using PerRoute = envoy::extensions::filters::http::rbac::v3::RBACPerRoute;
  (*host->mutable_routes(0)->mutable_typed_per_filter_config())["f"] = Pack<PerRoute>("");
  (*host->mutable_routes(1)->mutable_typed_per_filter_config())["f"] = Pack<PerRoute>(
      "rbac { rules { " + Policy("p", "header { name: 'x' present_match: true }") + "} }");
  routes_ = MakeRoutes(config);
  EXPECT_TRUE(Passes({.path = "/free"}));
  EXPECT_FALSE(Passes({.path = "/some"}));
  EXPECT_TRUE(Passes({.path = "/some", .fields = {{"x", "1"}}}));
  EXPECT_FALSE(Passes({.path = "/else"}));
}

template <typename Input>
std::string Extension(const std::string& text) {
  const google::protobuf::Any any = Pack<Input>(text);
  std::string out;
  google::protobuf::TextFormat::PrintToString(any, &out);
  return "{ name: 'n' typed_config { " + out + " } }";
}

std::string Act(const std::string& name, const std::string& action = "ALLOW") {
  return "{ action " +
         Extension<envoy::config::rbac::v3::Action>("name: '" + name + "' action: " + action) +
         " }";
}

std::string HeaderInput(const std::string& name) {
  return Extension<envoy::type::matcher::v3::HttpRequestHeaderMatchInput>("header_name: '" + name +
                                                                          "'");
}

std::string Single(const std::string& input, const std::string& match) {
  return "{ single_predicate { input " + input + " " + match + " } }";
}

std::string HeaderIs(const std::string& name, const std::string& value) {
  return Single(HeaderInput(name), "value_match { exact: '" + value + "' }");
}

std::string Entry(const std::string& predicate, const std::string& on_match) {
  return "matchers { predicate " + predicate + " on_match " + on_match + " } ";
}

TEST_F(RbacTest, MatcherListsDecideByTheFirst) {
  Configure("matcher { matcher_list { " + Entry(HeaderIs("x", "bad"), Act("bad", "DENY")) +
            Entry("{ not_matcher " + HeaderIs(":method", "GET") + " }", Act("writers")) + "} }");
  EXPECT_TRUE(Passes());
  EXPECT_EQ(Kept("enforced_effective_policy_id"), "writers");
  EXPECT_FALSE(Passes({.fields = {{"x", "bad"}}}));
  EXPECT_EQ(stream_->info.details, "rbac_access_denied_matched_policy[bad]");
  EXPECT_FALSE(Passes({.fields = {{"x", "good"}, {"x", "bad"}}}));
  EXPECT_FALSE(Passes({.method = "GET"}));
  EXPECT_EQ(stream_->info.details, "rbac_access_denied_matched_policy[none]");
}

TEST_F(RbacTest, MatchersCombineInputs) {
  using IpInput = envoy::extensions::matching::common_inputs::network::v3::SourceIPInput;
  using Port = envoy::extensions::matching::common_inputs::network::v3::DestinationPortInput;
  using Ip = envoy::extensions::matching::input_matchers::ip::v3::Ip;
  using Space = envoy::extensions::matching::common_inputs::network::v3::DynamicMetadataInput;
  using Metadata = envoy::extensions::matching::input_matchers::metadata::v3::Metadata;
  using UriSan = envoy::extensions::matching::common_inputs::ssl::v3::UriSanInput;
  const auto passes = [this](const std::string& predicate) {
    Configure("matcher { matcher_list { " + Entry(predicate, Act("a")) + "} }");
    return Passes();
  };
  const auto in = [](const std::string& range) {
    return Single(Extension<IpInput>(""),
                  "custom_match " + Extension<Ip>(range + " stat_prefix: 's'"));
  };
  const std::string here =
      in("cidr_ranges { address_prefix: '10.1.0.0' prefix_len { value: 16 } }");
  const std::string there =
      in("cidr_ranges { address_prefix: '10.2.0.0' prefix_len { value: 16 } }");
  EXPECT_TRUE(passes(here));
  EXPECT_FALSE(passes(there));
  const std::string port =
      Single(Extension<Port>(""), "value_match { safe_regex { regex: '8.43' } }");
  EXPECT_TRUE(passes("{ and_matcher { predicate " + here + " predicate " + port + " } }"));
  EXPECT_FALSE(passes("{ and_matcher { predicate " + there + " predicate " + port + " } }"));
  EXPECT_TRUE(passes("{ or_matcher { predicate " + there + " predicate " + port + " } }"));
  const std::string sub =
      Single(Extension<Space>("filter: 'jwt' path { key: 'sub' }"),
             "custom_match " + Extension<Metadata>("value { string_match { exact: 'me' } }"));
  EXPECT_TRUE(passes(sub));
  EXPECT_FALSE(passes(Single(Extension<UriSan>(""), "value_match { prefix: 'spiffe://' }")));
}

TEST_F(RbacTest, MatcherTreesLookTextsUp) {
  const auto tree = [](const std::string& kind) {
    return "matcher { matcher_tree { input " + HeaderInput(":path") + " " + kind +
           " { map { key: '/a' value " + Act("a") + " } map { key: '/a/b' value { matcher { " +
           "matcher_list { " + Entry(HeaderIs("x", "1"), Act("b", "DENY")) + "} } } } } } " +
           "on_no_match " + Act("rest", "LOG") + " }";
  };
  const auto policy = [this](const RequestLine& line) {
    Begin(line);
    return Kept("enforced_effective_policy_id") + " " + Kept("enforced_engine_result");
  };
  const RequestLine deep{.path = "/a/b/c", .fields = {{"x", "1"}}};
  Configure(tree("prefix_match_map"));
  EXPECT_EQ(policy({.path = "/a/x"}), "a allowed");
  EXPECT_EQ(policy(deep), "b denied");
  EXPECT_EQ(policy({.path = "/a/b/c"}), "a allowed");  // The tree below decides nothing.
  EXPECT_EQ(policy({.path = "/"}), "rest allowed");
  EXPECT_TRUE(*stream_->info.metadata.Find("envoy.common", {"access_log_hint"})->boolean());
  Configure(tree("exact_match_map"));
  EXPECT_EQ(policy({.path = "/a"}), "a allowed");
  EXPECT_FALSE(*stream_->info.metadata.Find("envoy.common", {"access_log_hint"})->boolean());
  EXPECT_EQ(policy(deep), "rest allowed");
}

TEST_F(RbacTest, MatchersTakeThePlaceOfRules) {
  Configure("rules {} matcher { on_no_match " + Act("all") + " }");
  EXPECT_TRUE(Passes());
  Configure("rules { " + Policy("p", "any: true") + " } matcher {}");
  EXPECT_FALSE(Passes());
}

TEST_F(RbacTest, ErrorsAreNamed) {
  const auto refused = [](const std::string& text) {
    config::Errors errors;
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type == Proto::descriptor()->full_name()) {
        kind.create(Pack<Proto>(text), config::Path("f"), errors);
      }
    }
    return std::string(errors.ToStatus().message());
  };
  EXPECT_EQ(refused("matcher { on_no_match { action " +
                    Extension<envoy::type::matcher::v3::HttpRequestHeaderMatchInput>("") + " } }")
                .rfind("f.matcher.on_no_match.action.typed_config", 0),
            0u);
  EXPECT_NE(refused("matcher { matcher_list { " +
                    Entry(Single(Extension<envoy::config::rbac::v3::Action>("name: 'x'"),
                                 "value_match { exact: 'x' }"),
                          Act("a")) +
                    "} }")
                .find("is not an input"),
            std::string::npos);
  EXPECT_NE(
      refused("rules { " + Policy("p", "uri_template { name: 'u' }") + "}").find("uri_template"),
      std::string::npos);
}

}  // namespace
}  // namespace proxenos::filters
