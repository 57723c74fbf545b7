// Filter chains and listener filters from their protos: what compiles, and what each error says.
#include "source/downstream/listener_config.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
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
  EXPECT_EQ(config->chains[1].name, "b");
  EXPECT_EQ(config->chains[1].http->codec, HttpConfig::Codec::kHttp2);
  EXPECT_EQ(config->chains[0].http->codec, HttpConfig::Codec::kAuto);
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
  const HttpConfig& http = *config->chains[0].http;
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

TEST_F(ListenerConfigTest, NoChainAtAllIsAnError) {
  EXPECT_EQ(Compile("stat_prefix: x"), nullptr);
  EXPECT_NE(errors_.find("filter_chains: expected at least one"), std::string::npos) << errors_;
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

}  // namespace
}  // namespace proxenos::downstream
