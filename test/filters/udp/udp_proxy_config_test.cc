// Listeners of UDP and the UDP proxy from their protos: what compiles, and what each error says.
#include "source/filters/udp/udp_proxy/udp_proxy_config.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/downstream/listener_config.h"
#include "source/filters/udp/udp_proxy/datagram_routes.h"

namespace proxenos::filters::udp_proxy {
namespace {

constexpr downstream::DatagramTerminalKind kKinds[] = {
    {"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig", CreateUdpProxy},
};

constexpr char kListener[] = R"(
name: l
address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 0}}
listener_filters:
- name: u
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig
    stat_prefix: s
)";
constexpr char kCluster[] = "    cluster: c\n";

// Of the compiled listener; null with the errors in `*errors`.
std::shared_ptr<const downstream::ListenerConfig> Compile(const std::string& yaml,
                                                          std::string* said = nullptr) {
  envoy::config::listener::v3::Listener proto;
  config::Errors errors;
  config::ParseYaml(yaml, proto, errors);
  EXPECT_TRUE(errors.ok()) << errors.ToStatus();
  downstream::NetworkKinds kinds;
  kinds.datagrams = kKinds;
  const downstream::ListenerCompiler compiler({}, nullptr, {}, kinds);
  auto config = compiler.Compile(proto, config::Path(), errors).config;
  if (said != nullptr) *said = std::string(errors.ToStatus().message());
  return config;
}

void ExpectError(const std::string& yaml, const std::string& part) {
  std::string said;
  EXPECT_EQ(Compile(yaml, &said), nullptr);
  EXPECT_NE(said.find(part), std::string::npos) << said;
}

TEST(UdpProxyConfigTest, DefaultsAreEnvoys) {
  const auto config = Compile(absl::StrCat(kListener, kCluster));
  ASSERT_NE(config, nullptr);
  ASSERT_NE(config->datagrams, nullptr);
  EXPECT_EQ(config->datagrams->max_bytes, 1500u);
  EXPECT_TRUE(config->chains.empty());
  ASSERT_EQ(config->addresses.size(), 1u);
  const auto names = config->datagrams->terminal->cluster_names();
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0], "c");
}

TEST(UdpProxyConfigTest, SocketsAreConfigured) {
  const auto config = Compile(absl::StrCat(kListener, kCluster, R"(
udp_listener_config: {downstream_socket_config: {max_rx_datagram_size: 9000}}
enable_reuse_port: false
freebind: true
additional_addresses:
- address: {socket_address: {protocol: UDP, address: "::1", port_value: 53}}
socket_options:
- {level: 1, name: 8, int_value: 65536}
- {level: 1, name: 8, int_value: 1, type: {stream: {}}}
- {level: 1, name: 7, int_value: 2, type: {datagram: {}}}
)"));
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->datagrams->max_bytes, 9000u);
  EXPECT_FALSE(config->listen.reuse_port);
  EXPECT_EQ(config->listen.freebind, true);
  EXPECT_EQ(config->addresses[1].ToString(), "[::1]:53");
  ASSERT_EQ(config->listen.options.size(), 2u);
  EXPECT_EQ(config->listen.options[1].name, 7);
}

TEST(UdpProxyConfigTest, WhatIsWrongIsNamed) {
  const std::string good = absl::StrCat(kListener, kCluster);
  ExpectError(absl::StrCat(good, "    idle_timeout: 0s\n"),
              "listener_filters[0].typed_config.idle_timeout: expected more than nothing");
  ExpectError(absl::StrReplaceAll(good, {{"protocol: UDP, ", ""}}),
              "takes datagrams: the listener's address is none of UDP");
  ExpectError(absl::StrCat(good, "filter_chains: [{}]\n"),
              "filter_chains: cannot stand in a listener of UDP");
  ExpectError(absl::StrCat(good, "use_original_dst: true\nenable_mptcp: true\n"),
              "enable_mptcp: cannot stand in a listener of UDP");
  ExpectError(absl::StrCat(good,
                           "additional_addresses: [{address: {socket_address: "
                           "{address: 127.0.0.1, port_value: 1}}}]\n"),
              "additional_addresses[0].address: expected one of UDP");
  ExpectError(
      "name: l\naddress: {socket_address: {protocol: UDP, address: 127.0.0.1, "
      "port_value: 0}}\n",
      "listener_filters: expected exactly one");
  ExpectError(
      "name: l\naddress: {socket_address: {protocol: UDP, address: 127.0.0.1, "
      "port_value: 0}}\nlistener_filters: [{name: x, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3."
      "OriginalDst}}]\n",
      "does not take datagrams");
  ExpectError(absl::StrReplaceAll(good, {{"protocol: UDP, ", ""},
                                         {"name: l\n", "name: l\nudp_listener_config: {}\n"}}),
              "udp_listener_config: expected `protocol: UDP`");
}

constexpr char kType[] = "type.googleapis.com/envoy.extensions.";

std::string Input(absl::string_view name) {
  return absl::StrCat("{name: i, typed_config: {\"@type\": ", kType,
                      "matching.common_inputs.network.v3.", name, "}}");
}
std::string To(absl::string_view cluster) {
  return absl::StrCat("{action: {name: route, typed_config: {\"@type\": ", kType,
                      "filters.udp.udp_proxy.v3.Route, cluster: ", cluster, "}}}");
}

// The cluster that a proxy with such a matcher chooses.
TEST(UdpProxyConfigTest, ClustersAreFoundByAddresses) {
  const std::string matcher = absl::StrCat(
      "    matcher:\n      matcher_list:\n        matchers:\n        - predicate: "
      "{single_predicate: "
      "{input: ",
      Input("SourceIPInput"),
      ", value_match: {exact: 127.0.0.1}}}\n"
      "          on_match: {matcher: {matcher_tree: {input: ",
      Input("SourcePortInput"), ", exact_match_map: {map: {\"80\": ", To("a"),
      ", \"443\": ", To("b"),
      "}}}}}\n"
      "        - predicate: {single_predicate: {input: ",
      Input("DestinationPortInput"),
      ", value_match: {exact: \"53\"}}}\n          on_match: ", To("dns"), "\n");
  const auto config = Compile(absl::StrCat(kListener, matcher));
  ASSERT_NE(config, nullptr);
  const auto names = config->datagrams->terminal->cluster_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()),
            (std::set<std::string>{"a", "b", "dns"}));
  ExpectError(
      absl::StrCat(kListener, absl::StrReplaceAll(matcher, {{"SourceIPInput", "ServerNameInput"}})),
      "is not an input that proxenos knows here");
}

TEST(DatagramRoutesTest, NothingIsChosenWithoutACluster) {
  const net::Address address = *net::Address::FromIp("127.0.0.1", 1);
  EXPECT_EQ(DatagramRoutes().Find(address, address), nullptr);
  const std::string* found = DatagramRoutes("c").Find(address, address);
  EXPECT_EQ(found == nullptr ? "" : "found", std::string("found"));
}

}  // namespace
}  // namespace proxenos::filters::udp_proxy
