// What clusters say of endpoints beyond an address each, and of connections to them.
#include <string>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/upstream/cluster_config.h"

namespace proxenos::upstream {
namespace {

struct Compiled {
  std::shared_ptr<const ClusterConfig> config;
  std::string errors;
};

Compiled Compile(const std::string& yaml) {
  envoy::config::cluster::v3::Cluster proto;
  config::Errors errors;
  config::ParseYaml("name: c\n" + yaml, proto, errors);
  Compiled result;
  if (errors.ok()) result.config = CompileCluster(proto, errors, config::Path("c"));
  for (const config::Error& error : errors.list()) result.errors += error.ToString() + "\n";
  return result;
}

std::shared_ptr<const ClusterConfig> Good(const std::string& yaml) {
  const Compiled result = Compile(yaml);
  EXPECT_EQ(result.errors, "");
  return result.config == nullptr ? std::make_shared<const ClusterConfig>() : result.config;
}

void ExpectError(const std::string& yaml, const std::string& part) {
  const Compiled result = Compile(yaml);
  EXPECT_NE(result.errors.find(part), std::string::npos) << "got: " << result.errors;
}

std::string Address(const std::string& ip) {
  return "{address: {socket_address: {address: '" + ip + "', port_value: 80}}}";
}

std::string Load(const std::string& locality, const std::string& rest = "") {
  return "load_assignment: {cluster_name: c, endpoints: [{" + locality + "}]" + rest + "}\n";
}

std::string WithFurther(const std::string& further) {
  return Load(
      "lb_endpoints: [{endpoint: {address: {socket_address: {address: 10.0.0.1, "
      "port_value: 80}}, additional_addresses: [" +
      further + "]}}]");
}

TEST(EndpointConfigTest, AnEndpointMayHaveFurtherAddresses) {
  const auto config = Good(WithFurther(Address("::1") + "," + Address("10.0.0.2")));
  const Endpoint& endpoint = config->assignment->localities[0].endpoints[0];
  ASSERT_EQ(endpoint.further->size(), 2u);
  EXPECT_EQ(endpoint.further->at(0).ToString(), "[::1]:80");
  EXPECT_EQ(endpoint.further->at(1).ToString(), "10.0.0.2:80");
}

TEST(EndpointConfigTest, FurtherAddressesAreIpsAndNotTooMany) {
  const std::string at =
      "c.load_assignment.endpoints[0].lb_endpoints[0].endpoint.additional_addresses";
  ExpectError(WithFurther(Address("name")), at + "[0].address.socket_address.address");
  ExpectError(WithFurther("{address: {pipe: {path: /p}}}"), at + "[0].address.socket_address");
  std::string many = Address("10.0.0.2");
  for (size_t i = 0; i < kMaxFurtherAddresses; ++i) many += "," + Address("10.0.0.3");
  ExpectError(WithFurther(many), at + ": value 32 addresses");
  ExpectError("type: STRICT_DNS\n" + WithFurther(Address("10.0.0.2")),
              at + ": is for clusters of type STATIC and EDS");
  ExpectError(Load("lb_endpoints: [{endpoint: {address: {pipe: {path: /p}}, "
                   "additional_addresses: [" +
                   Address("10.0.0.2") + "]}}]"),
              at + ": is for endpoints whose address is an IP");
}

TEST(EndpointConfigTest, EndpointsMayBeNamed) {
  const auto config = Good(
      Load("lb_endpoints: [{endpoint_name: b}, {endpoint_name: a}]",
           ", named_endpoints: {a: " + Address("10.0.0.1") + ", b: " + Address("10.0.0.2") + "}"));
  const auto& endpoints = config->assignment->localities[0].endpoints;
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(endpoints[0].address.ToString(), "10.0.0.2:80");
  EXPECT_EQ(endpoints[1].address.ToString(), "10.0.0.1:80");
  ExpectError(Load("lb_endpoints: [{endpoint_name: x}]"), "lb_endpoints[0].endpoint_name: value x");
}

TEST(EndpointConfigTest, AListOfEndpointsTakesThePlaceOfTheOthers) {
  const auto config = Good(Load(
      "lb_endpoints: [{endpoint: " + Address("10.0.0.1") +
      "}], load_balancer_endpoints: {lb_endpoints: [{endpoint: " + Address("10.0.0.2") + "}]}"));
  const auto& endpoints = config->assignment->localities[0].endpoints;
  ASSERT_EQ(endpoints.size(), 1u);
  EXPECT_EQ(endpoints[0].address.ToString(), "10.0.0.2:80");
}

TEST(EndpointConfigTest, PolicySaysHowLongAndByWhatHealthIsJudged) {
  const std::string endpoints = "lb_endpoints: [{endpoint: " + Address("10.0.0.1") + "}]";
  const auto plain = Good(Load(endpoints));
  EXPECT_EQ(plain->assignment->stale_after, 0);
  EXPECT_FALSE(plain->assignment->weighted_health);
  const auto config =
      Good(Load(endpoints, ", policy: {endpoint_stale_after: 7s, weighted_priority_health: true}"));
  EXPECT_EQ(config->assignment->stale_after, 7 * base::kSecond);
  EXPECT_TRUE(config->assignment->weighted_health);
}

TEST(ConnectConfigTest, SourcesAndOptions) {
  const auto config = Good(R"(
upstream_bind_config:
  source_address: {address: 127.0.0.9, port_value: 0}
  freebind: true
  socket_options: [{level: 1, name: 12, int_value: 3}]
  extra_source_addresses:
  - address: {address: '::1', port_value: 0}
    socket_options: {socket_options: []}
upstream_connection_options:
  happy_eyeballs_config: {first_address_family_version: V6, first_address_family_count: 3}
)");
  const ConnectRules& rules = *config->connecting;
  ASSERT_EQ(rules.sources.size(), 2u);
  EXPECT_EQ(rules.sources[0].address.ToString(), "127.0.0.9:0");
  EXPECT_FALSE(rules.sources[0].options.has_value());
  EXPECT_TRUE(rules.sources[1].options.has_value());
  EXPECT_EQ(rules.freebind, true);
  ASSERT_EQ(rules.options.size(), 1u);
  EXPECT_EQ(rules.options[0].name, 12);
  EXPECT_EQ(rules.first_family, net::Address::Family::kIpv6);
  EXPECT_EQ(rules.first_count, 3u);
}

TEST(ConnectConfigTest, ASourceForEachIpVersion) {
  const std::string at = "c.upstream_bind_config";
  ExpectError(
      "upstream_bind_config: {source_address: {address: 127.0.0.9, port_value: 0}, "
      "extra_source_addresses: [{address: {address: 127.0.0.8, port_value: 0}}]}\n",
      at + ".extra_source_addresses[0].address: is of the same IP version");
  ExpectError(
      "upstream_bind_config: {extra_source_addresses: [{address: {address: 127.0.0.8, "
      "port_value: 0}}]}\n",
      at + ".source_address: is required");
  ExpectError(
      "upstream_bind_config: {source_address: {address: 127.0.0.9, port_value: 0}, "
      "extra_source_addresses: [{address: {address: '::1', port_value: 0}}, {address: "
      "{address: '::2', port_value: 0}}]}\n",
      at + ".extra_source_addresses: more than one");
}

TEST(ConnectConfigTest, CommonOptionsOfBalancing) {
  EXPECT_EQ(Good("")->override_states, kDefaultOverrideStates);
  const auto config = Good(R"(
lb_policy: MAGLEV
common_lb_config:
  close_connections_on_host_set_change: true
  override_host_status: {statuses: [DRAINING, TIMEOUT]}
  consistent_hashing_lb_config: {use_hostname_for_hashing: true, hash_balance_factor: 130}
)");
  EXPECT_TRUE(config->close_connections_on_host_set_change);
  EXPECT_EQ(config->override_states,
            BitOf(EndpointHealth::kDraining) | BitOf(EndpointHealth::kTimeout));
  EXPECT_TRUE(config->hashing->use_hostname);
  EXPECT_EQ(config->hashing->balance_factor, 130u);
  EXPECT_EQ(Good("common_lb_config: {override_host_status: {}}\n")->override_states, 0);
}

TEST(ConnectConfigTest, TypedHashingPoliciesHaveABound) {
  const std::string policy =
      "load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: "
      "{\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies.";
  const std::string end = "}}}]}\n";
  EXPECT_EQ(Good(policy + "ring_hash.v3.RingHash, hash_balance_factor: 150" + end)
                ->hashing->balance_factor,
            150u);
  EXPECT_EQ(Good(policy +
                 "maglev.v3.Maglev, consistent_hashing_lb_config: "
                 "{hash_balance_factor: 160}" +
                 end)
                ->hashing->balance_factor,
            160u);
}

TEST(ConnectConfigTest, ChecksMayOfferAnotherAlpn) {
  const std::string check =
      "health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, "
      "tcp_health_check: {}, tls_options: {alpn_protocols: [";
  EXPECT_EQ(Good(check + "a, b]}}]\n")->health_check->alpn, (std::vector<std::string>{"a", "b"}));
  ExpectError(check + "'']}}]\n", "c.health_checks[0].tls_options.alpn_protocols[0]");
}

}  // namespace
}  // namespace proxenos::upstream
