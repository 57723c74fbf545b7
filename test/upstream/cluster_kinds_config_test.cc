// Clusters of other kinds from YAML. What is accepted and refused follows Envoy 1.40.
#include "source/upstream/cluster_kinds_config.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "source/upstream/dynamic_forward_proxy.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;
using ::testing::HasSubstr;

// Null when it is wrong; then *problems says how.
std::shared_ptr<const ClusterConfig> Compile(const std::string& yaml, std::string* problems) {
  envoy::config::cluster::v3::Cluster proto;
  config::Errors errors;
  config::ParseYaml("name: c\n" + yaml, proto, errors);
  auto config = CompileCluster(proto, errors, config::Path("c"), nullptr, BuiltinClusterKinds());
  problems->clear();
  for (const config::Error& error : errors.list()) *problems += error.ToString() + "\n";
  return config;
}

std::shared_ptr<const ClusterConfig> Good(const std::string& yaml) {
  std::string problems;
  auto config = Compile(yaml, &problems);
  EXPECT_EQ(problems, "");
  return config == nullptr ? std::make_shared<const ClusterConfig>() : config;
}

std::string Problems(const std::string& yaml) {
  std::string problems;
  EXPECT_EQ(Compile(yaml, &problems), nullptr);
  return problems;
}

std::string Dynamic(const std::string& cache, const std::string& more = "") {
  return "lb_policy: CLUSTER_PROVIDED\ncluster_type: {name: d, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig, "
         "dns_cache_config: {name: shared" +
         (cache.empty() ? "" : ", " + cache) + "}" + (more.empty() ? "" : ", " + more) + "}}\n";
}

std::string Aggregate(const std::string& names, const std::string& policy = "CLUSTER_PROVIDED") {
  return "lb_policy: " + policy +
         "\ncluster_type: {name: a, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [" +
         names + "]}}\n";
}

TEST(ClusterKindsTest, DefaultsOfACacheAreEnvoys) {
  const auto config = Good(Dynamic(""));
  ASSERT_NE(config->dynamic_forward_proxy, nullptr);
  EXPECT_EQ(config->discovery, DiscoveryKind::kDynamicForwardProxy);
  EXPECT_EQ(config->dynamic_forward_proxy->default_port, 80);
  const DnsCacheSettings& cache = config->dynamic_forward_proxy->cache;
  EXPECT_EQ(cache.name, "shared");
  EXPECT_EQ(cache.dns.family, net::DnsFamily::kAuto);
  EXPECT_EQ(cache.dns.refresh_rate, 60 * kSecond);
  EXPECT_EQ(cache.dns.failure_refresh_max, 60 * kSecond);
  EXPECT_EQ(cache.min_refresh_rate, 5 * kSecond);
  EXPECT_EQ(cache.host_ttl, 300 * kSecond);
  EXPECT_EQ(cache.query_timeout, 5 * kSecond);
  EXPECT_EQ(cache.max_hosts, 1024u);
  EXPECT_EQ(cache.max_pending_requests, 1024u);
  EXPECT_TRUE(cache.refresh_on_failure);
  EXPECT_FALSE(cache.removed.Matches(*net::Address::FromIp("127.0.0.1", 0)));
}

TEST(ClusterKindsTest, AllOfACache) {
  const auto config = Good(Dynamic(
      "dns_lookup_family: V6_ONLY, dns_refresh_rate: 10s, dns_min_refresh_rate: 2s, host_ttl: 20s, "
      "max_hosts: 7, disable_dns_refresh_on_failure: true, dns_failure_refresh_rate: "
      "{base_interval: 1s, max_interval: 8s}, dns_cache_circuit_breaker: {max_pending_requests: 3},"
      " dns_query_timeout: 0s, preresolve_hostnames: [{address: A.example, port_value: 81}], "
      "resolved_address_filter: {ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}], "
      "invert_match: true}"));
  ASSERT_NE(config->dynamic_forward_proxy, nullptr);
  const DnsCacheSettings& cache = config->dynamic_forward_proxy->cache;
  EXPECT_EQ(cache.dns.family, net::DnsFamily::kV6Only);
  EXPECT_EQ(cache.dns.refresh_rate, 10 * kSecond);
  EXPECT_EQ(cache.dns.failure_refresh_base, 1 * kSecond);
  EXPECT_EQ(cache.dns.failure_refresh_max, 8 * kSecond);
  EXPECT_EQ(cache.min_refresh_rate, 2 * kSecond);
  EXPECT_EQ(cache.host_ttl, 20 * kSecond);
  EXPECT_EQ(cache.query_timeout, 0);
  EXPECT_EQ(cache.max_hosts, 7u);
  EXPECT_EQ(cache.max_pending_requests, 3u);
  EXPECT_FALSE(cache.refresh_on_failure);
  EXPECT_THAT(cache.preresolved, ::testing::ElementsAre(DynamicName{"a.example", 81}));
  EXPECT_TRUE(cache.removed.Matches(*net::Address::FromIp("127.0.0.1", 0)));
  EXPECT_FALSE(cache.removed.Matches(*net::Address::FromIp("10.0.0.1", 0)));
}

constexpr char kTls[] =
    "transport_socket: {name: tls, typed_config: {'@type': "
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}\n";

TEST(ClusterKindsTest, NamesAreVerifiedUnlessSomebodyKnowsBetter) {
  const auto config = Good(Dynamic("") + kTls);
  ASSERT_NE(config->dynamic_forward_proxy, nullptr);
  EXPECT_TRUE(config->auto_sni);
  EXPECT_TRUE(config->auto_san_validation);
  EXPECT_EQ(config->dynamic_forward_proxy->default_port, 443);
  const std::string without = "upstream_http_protocol_options: {auto_sni: true}\n";
  EXPECT_THAT(Problems(Dynamic("") + kTls + without), HasSubstr("auto_san_validation"));
  const auto insecure = Good(Dynamic("", "allow_insecure_cluster_options: true") + kTls + without);
  EXPECT_TRUE(insecure->auto_sni);
  EXPECT_FALSE(insecure->auto_san_validation);
  // In plain text there is nothing to tell connections apart by.
  EXPECT_FALSE(Good(Dynamic(""))->ConnectionsVary());
}

TEST(ClusterKindsTest, WhatADynamicForwardProxyCannotHave) {
  std::string text = Dynamic("");
  text.replace(text.find("CLUSTER_PROVIDED"), 16, "ROUND_ROBIN");
  EXPECT_THAT(Problems(text), HasSubstr("lb_policy"));
  EXPECT_THAT(Problems(Dynamic("") + "load_assignment: {cluster_name: c}\n"),
              HasSubstr("load_assignment"));
  EXPECT_THAT(Problems(Dynamic("") + "outlier_detection: {}\n"), HasSubstr("outlier_detection"));
  EXPECT_THAT(Problems(Dynamic("resolved_address_filter: {ranges: [{address_prefix: 10.0.0.0, "
                               "prefix_len: 33}]}")),
              HasSubstr("resolved_address_filter.ranges[0]"));
  EXPECT_THAT(Problems(Dynamic("preresolve_hostnames: [{address: 'a b', port_value: 80}]")),
              HasSubstr("preresolve_hostnames[0]"));
  EXPECT_THAT(Problems(Dynamic("max_hosts: 1, preresolve_hostnames: [{address: a, port_value: 1}, "
                               "{address: b, port_value: 1}]")),
              HasSubstr("max_hosts"));
}

TEST(ClusterKindsTest, Aggregates) {
  const auto config = Good(Aggregate("one, two"));
  EXPECT_EQ(config->discovery, DiscoveryKind::kAggregate);
  ASSERT_NE(config->aggregated, nullptr);
  EXPECT_THAT(*config->aggregated, ::testing::ElementsAre("one", "two"));
  EXPECT_TRUE(config->ConnectionsVary());
  EXPECT_THAT(Problems(Aggregate("x, c")), HasSubstr("clusters[1]"));
  EXPECT_THAT(Problems(Aggregate("x, x")), HasSubstr("each cluster once"));
  EXPECT_THAT(Problems(Aggregate("x", "ROUND_ROBIN")), HasSubstr("lb_policy"));
  EXPECT_THAT(Problems(Aggregate("x") + "health_checks: [{timeout: 1s, interval: 1s, "
                                        "healthy_threshold: 1, unhealthy_threshold: 1, "
                                        "tcp_health_check: {}}]\n"),
              HasSubstr("health_checks"));
}

// As a control plane writes it that gives each cluster one.
TEST(ClusterKindsTest, AnAggregateDetectsNoOutliers) {
  EXPECT_EQ(Good(Aggregate("one, two") + "outlier_detection: {consecutive_5xx: 1}\n")->outliers,
            nullptr);
  EXPECT_THAT(Problems(Dynamic("") + "outlier_detection: {}\n"), HasSubstr("outlier_detection"));
}

TEST(ClusterKindsTest, TheirNamesAreKnownWhereOthersAreNot) {
  const std::string problems = Problems(
      "cluster_type: {name: r, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.clusters.redis.v3.RedisClusterConfig}}\n");
  EXPECT_THAT(problems, HasSubstr("aggregate.v3"));
  EXPECT_THAT(problems, HasSubstr("dynamic_forward_proxy.v3"));
}

}  // namespace
}  // namespace proxenos::upstream
