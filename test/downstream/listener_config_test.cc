// Filter chains and listener filters from their protos: what compiles, and what each error says.
#include "source/downstream/listener_config.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/chain_tree.h"
#include "source/downstream/filter_predicate.h"
#include "source/filters/http/router/router_config.h"
#include "source/filters/listener/proxy_protocol/proxy_protocol_config.h"
#include "source/filters/listener/tls_inspector/tls_inspector_config.h"

namespace proxenos::downstream {
namespace {

constexpr char kFilters[] = R"(
  filters:
  - name: hcm
    typed_config:
      "@type": "type.googleapis.com/envoy.extensions.filters.network.\
        http_connection_manager.v3.HttpConnectionManager"
      stat_prefix: s
      codec_type: CODEC
      http2_protocol_options: {max_concurrent_streams: 7, initial_stream_window_size: 70000}
      drain_timeout: 2s
      max_request_headers_kb: 8
      forward_client_cert_details: APPEND_FORWARD
      set_current_client_cert_details: {subject: true, uri: true}
      rds: {route_config_name: r, config_source: {ads: {}}}
      http_filters:
      - name: router
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
)";

constexpr filter::FilterKind kHttpFilters[] = {
    {"envoy.extensions.filters.http.router.v3.Router", true, filters::router::CreateRouter},
};
constexpr filter::ListenerFilterKind kListenerFilters[] = {
    {"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
     filters::proxy_protocol::CreateProxyProtocol},
    {"envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
     filters::tls_inspector::CreateTlsInspector},
};

class ListenerConfigTest : public ::testing::Test {
 protected:
  // A chain of that name with such a filter_chain_match.
  static std::string Chain(const std::string& name, const std::string& match,
                           const std::string& codec = "AUTO") {
    std::string filters = kFilters;
    filters.replace(filters.find("CODEC"), 5, codec);
    return "- name: " + name + "\n  filter_chain_match: " + match + filters;
  }
  // The compiled listener; null with the errors in errors_.
  std::shared_ptr<const ListenerConfig> Compile(const std::string& yaml) {
    envoy::config::listener::v3::Listener proto;
    config::Errors errors;
    config::ParseYaml(
        "name: l\naddress: {socket_address: {address: 127.0.0.1, port_value: 0}}\n" + yaml, proto,
        errors, config::Path());
    EXPECT_TRUE(errors.ok()) << errors.ToStatus();
    const ListenerCompiler compiler{kHttpFilters, nullptr, kListenerFilters};
    auto result = compiler.Compile(proto, config::Path(), errors);
    errors_ = std::string(errors.ToStatus().message());
    return result.config;
  }

  std::string errors_;
};

TEST_F(ListenerConfigTest, ChainsInOrderAndTheDefaultLast) {
  std::string last = Chain("c", "{}");
  last.replace(0, 2, "  ");
  const auto config = Compile("filter_chains:\n" + Chain("a", "{server_names: [A.example]}") +
                              Chain("b", "{transport_protocol: raw_buffer}", "HTTP2") +
                              "default_filter_chain:\n" + last);
  ASSERT_NE(config, nullptr) << errors_;
  ASSERT_EQ(config->chains.size(), 3u);
  EXPECT_EQ(config->chains[1]->name, "b");
  EXPECT_EQ(config->chains[1]->http->codec, HttpConfig::Codec::kHttp2);
  EXPECT_EQ(config->chains[0]->http->codec, HttpConfig::Codec::kAuto);
  filter::ConnectionFacts facts;
  EXPECT_EQ(config->match.Find(facts), 1);
  facts.transport_protocol = "tls";
  EXPECT_EQ(config->match.Find(facts), 2);
  facts.server_name = "a.example";
  EXPECT_EQ(config->match.Find(facts), 0);
}

TEST_F(ListenerConfigTest, ConnectionManagersOfHttp2) {
  const auto config = Compile("filter_chains:\n" + Chain("a", "{}"));
  ASSERT_NE(config, nullptr) << errors_;
  const HttpConfig& http = *config->chains[0]->http;
  EXPECT_EQ(http.http2.options.max_concurrent_streams, 7u);
  EXPECT_EQ(http.http2.options.initial_stream_window, 70000u);
  EXPECT_EQ(http.http2.options.max_head_bytes, 8u * 1024);
  EXPECT_EQ(http.drain_timeout, 2 * base::kSecond);
  EXPECT_EQ(http.forward_client_cert, HttpConfig::ForwardClientCert::kAppendForward);
  EXPECT_TRUE(http.client_cert_details.subject);
  EXPECT_TRUE(http.client_cert_details.uri);
  EXPECT_FALSE(http.client_cert_details.chain);
  EXPECT_TRUE(config->match.always_first());
}

TEST_F(ListenerConfigTest, OverlappingChainsAreNamed) {
  EXPECT_EQ(Compile("filter_chains:\n" + Chain("a", "{server_names: [one, two]}") +
                    Chain("b", "{server_names: [Two]}")),
            nullptr);
  EXPECT_NE(
      errors_.find("filter_chains[1].filter_chain_match: filter chain 'b' matches what filter "
                   "chain 'a' does"),
      std::string::npos)
      << errors_;
}

TEST_F(ListenerConfigTest, WrongCriteriaAreNamed) {
  const struct {
    const char* match;
    const char* error;
  } kCases[] = {
      {"{server_names: ['w*.example']}", "filter_chain_match.server_names[0]: value 'w*.example'"},
      {"{server_names: ['*']}", "filter_chain_match.server_names[0]: value '*'"},
      {"{prefix_ranges: [{address_prefix: name, prefix_len: 8}]}",
       "filter_chain_match.prefix_ranges[0].address_prefix: value 'name': expected an IP address"},
      {"{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 33}]}",
       "filter_chain_match.source_prefix_ranges[0].prefix_len: value 33: expected at most 32"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(Compile("filter_chains:\n" + Chain("a", each.match)), nullptr) << each.match;
    EXPECT_NE(errors_.find(each.error), std::string::npos) << errors_;
  }
}

// An input of a matcher over connections, and the action that names a chain.
std::string NetworkInput(const std::string& name) {
  return "{name: i, typed_config: {'@type': type.googleapis.com/"
         "envoy.extensions.matching.common_inputs.network.v3." +
         name + "}}";
}
std::string To(const std::string& chain) {
  return "{action: {name: a, typed_config: {'@type': type.googleapis.com/"
         "google.protobuf.StringValue, value: " +
         chain + "}}}";
}

TEST_F(ListenerConfigTest, ChainsByAMatcher) {
  std::string last = Chain("c", "{}");
  last.replace(0, 2, "  ");
  const std::string by_name = "{matcher_tree: {input: " + NetworkInput("ServerNameInput") +
                              ", exact_match_map: {map: {b.example: " + To("b") + "}}}}";
  const auto config = Compile(
      "filter_chain_matcher: {matcher_tree: {input: " + NetworkInput("DestinationPortInput") +
      ", exact_match_map: {map: {'80': " + To("a") + ", '443': {matcher: " + by_name +
      "}}}}}\nfilter_chains:\n" + Chain("a", "{}") + Chain("b", "{}") + "default_filter_chain:\n" +
      last);
  ASSERT_NE(config, nullptr) << errors_;
  ASSERT_NE(config->chain_tree, nullptr);
  filter::ConnectionFacts facts;
  facts.local = *net::Address::FromIp("10.0.0.1", 80);
  EXPECT_EQ(config->chain_tree->Find(facts), 0);
  facts.local = *net::Address::FromIp("10.0.0.1", 443);
  EXPECT_EQ(config->chain_tree->Find(facts), 2);
  facts.server_name = "b.example";
  EXPECT_EQ(config->chain_tree->Find(facts), 1);
}

TEST_F(ListenerConfigTest, InputsOfChainMatchers) {
  filter::ConnectionFacts facts;
  facts.local = *net::Address::FromIp("10.0.0.1", 80);
  facts.remote = *net::Address::FromIp("10.0.0.2", 4000);
  facts.direct_remote = *net::Address::FromIp("10.0.0.3", 4001);
  facts.server_name = "name.example";
  facts.transport_protocol = "tls";
  facts.application_protocols = {"h2", "http/1.1"};
  const struct {
    const char *input, *text;
  } kCases[] = {
      {"DestinationIPInput", "10.0.0.1"},  {"DestinationPortInput", "80"},
      {"SourceIPInput", "10.0.0.2"},       {"SourcePortInput", "4000"},
      {"DirectSourceIPInput", "10.0.0.3"}, {"ServerNameInput", "name.example"},
      {"TransportProtocolInput", "tls"},   {"ApplicationProtocolInput", "'h2','http/1.1'"}};
  for (const auto& each : kCases) {
    const auto config =
        Compile(std::string("filter_chain_matcher: {matcher_tree: {input: ") +
                NetworkInput(each.input) + ", exact_match_map: {map: {\"" + each.text +
                "\": " + To("a") + "}}}}\nfilter_chains:\n" + Chain("a", "{}"));
    ASSERT_NE(config, nullptr) << errors_;
    EXPECT_EQ(config->chain_tree->Find(facts), 0) << each.input;
    EXPECT_EQ(config->chain_tree->Find(filter::ConnectionFacts()), -1) << each.input;
  }
}

TEST_F(ListenerConfigTest, WrongChainMatchersAreNamed) {
  const std::string tree = "filter_chain_matcher: {on_no_match: " + To("a") + "}\nfilter_chains:\n";
  const struct {
    std::string yaml, error;
  } kCases[] = {
      {tree + Chain("b", "{}"), "typed_config.value: value a: expected the name of a filter chain"},
      {tree + Chain("a", "{}") + Chain("a", "{}"), "filter_chains[1].name: value a"},
      {tree + Chain("a", "{}") + Chain("''", "{}"), "filter_chains[1].name: expected one"},
      {tree + Chain("a", "{server_names: [x]}"),
       "filter_chains[0].filter_chain_match: cannot stand"},
      {"filter_chain_matcher: {matcher_tree: {input: " + NetworkInput("FilterStateInput, key: x") +
           ", exact_match_map: {map: {x: " + To("a") + "}}}}\nfilter_chains:\n" + Chain("a", "{}"),
       "FilterStateInput' is not an input"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(Compile(each.yaml), nullptr) << each.yaml;
    EXPECT_NE(errors_.find(each.error), std::string::npos) << errors_;
  }
}

TEST_F(ListenerConfigTest, NoChainAtAllIsAnError) {
  EXPECT_EQ(Compile("stat_prefix: x"), nullptr);
  EXPECT_NE(errors_.find("filter_chains: expected at least one"), std::string::npos) << errors_;
}

// Its connections are turned away.
TEST_F(ListenerConfigTest, AChainMayHaveNoFilters) {
  const auto config =
      Compile("filter_chains:\n- {name: none, filter_chain_match: {server_names: [x]}}\n");
  ASSERT_NE(config, nullptr) << errors_;
  EXPECT_EQ(config->chains[0]->http, nullptr);
  EXPECT_NE(config->chains[0]->terminal, nullptr);
}

TEST_F(ListenerConfigTest, AnUpgradeIsNamedOnce) {
  Compile("filter_chains:\n" + Chain("a", "{}") +
          "      upgrade_configs: [{upgrade_type: websocket, enabled: false}, {upgrade_type: x}, "
          "{upgrade_type: WebSocket}]\n");
  EXPECT_NE(
      errors_.find("upgrade_configs[2].upgrade_type: value WebSocket: expected each type once"),
      std::string::npos)
      << errors_;
}

TEST_F(ListenerConfigTest, ListenerFilters) {
  const auto config = Compile(R"(
listener_filters_timeout: 3s
continue_on_listener_filters_timeout: true
listener_filters:
- name: p
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
- name: t
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector
filter_chains:
)" + Chain("a", "{}"));
  ASSERT_NE(config, nullptr) << errors_;
  EXPECT_EQ(config->filters.size(), 2u);
  EXPECT_EQ(config->filters_timeout, 3 * base::kSecond);
  EXPECT_TRUE(config->continue_on_filters_timeout);
  EXPECT_EQ(Compile(R"(
listener_filters:
- name: p
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
    disallowed_versions: [V1, V2]
filter_chains:
)" + Chain("a", "{}")),
            nullptr);
  EXPECT_NE(errors_.find("listener_filters[0].typed_config.disallowed_versions"), std::string::npos)
      << errors_;
}

// A TLS inspector that such connections do without.
std::string Disabled(const std::string& predicate) {
  return R"(
listener_filters:
- name: p
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
- name: t
  filter_disabled: )" +
         predicate + R"(
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector
)";
}

TEST_F(ListenerConfigTest, FiltersAreDisabledByPort) {
  const auto config =
      Compile(Disabled("{or_match: {rules: [{destination_port_range: {start: 80, end: 82}}, "
                       "{and_match: {rules: [{destination_port_range: {start: 90, end: 99}}, "
                       "{not_match: {destination_port_range: {start: 95, end: 96}}}]}}]}}") +
              "filter_chains:\n" + Chain("a", "{}"));
  ASSERT_NE(config, nullptr) << errors_;
  ASSERT_EQ(config->filters_disabled.size(), 2u);
  EXPECT_EQ(config->filters_disabled[0], nullptr);
  const FilterPredicate& disabled = *config->filters_disabled[1];
  const auto holds = [&disabled](uint16_t port) {
    return disabled.Holds(*net::Address::FromIp("::1", port));
  };
  EXPECT_TRUE(holds(80) && holds(81) && holds(90) && holds(94) && holds(96));
  EXPECT_FALSE(holds(79) || holds(82) || holds(95) || holds(99));
  EXPECT_FALSE(disabled.Holds(net::Address()));
  const auto any = Compile(Disabled("{any_match: true}") + "filter_chains:\n" + Chain("a", "{}"));
  ASSERT_NE(any, nullptr) << errors_;
  EXPECT_TRUE(any->filters_disabled[1]->Holds(net::Address()));
}

TEST_F(ListenerConfigTest, WrongPredicatesAreNamed) {
  const struct {
    const char *predicate, *error;
  } kCases[] = {
      {"{}", "listener_filters[1].filter_disabled: expected or_match"},
      {"{not_match: {}}", "listener_filters[1].filter_disabled.not_match: expected or_match"},
      {"{or_match: {rules: [{any_match: true}, {destination_port_range: {start: 2, end: 2}}]}}",
       "filter_disabled.or_match.rules[1].destination_port_range: expected a start below the end"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(Compile(Disabled(each.predicate) + "filter_chains:\n" + Chain("a", "{}")), nullptr);
    EXPECT_NE(errors_.find(each.error), std::string::npos) << errors_;
  }
}

TEST_F(ListenerConfigTest, TheFirstChainSaysWhetherThereArePROXYHeaders) {
  const std::string yes = "  use_proxy_proto: true\n";
  auto config = Compile(Disabled("{any_match: true}") + "filter_chains:\n" + Chain("a", "{}") +
                        yes + Chain("b", "{server_names: [x]}"));
  ASSERT_NE(config, nullptr) << errors_;
  ASSERT_EQ(config->filters.size(), 3u);  // Before the others.
  ASSERT_EQ(config->filters_disabled.size(), 3u);
  EXPECT_EQ(config->filters_disabled[0], nullptr);
  EXPECT_NE(config->filters_disabled[2], nullptr);
  config = Compile("filter_chains:\n" + Chain("a", "{}") + Chain("b", "{server_names: [x]}") + yes);
  ASSERT_NE(config, nullptr) << errors_;
  EXPECT_TRUE(config->filters.empty());
}

}  // namespace
}  // namespace proxenos::downstream
