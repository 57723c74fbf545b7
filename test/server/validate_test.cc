// What a bootstrap is told about itself before anything is opened: the node, and every mistake at
// once.
#include "source/server/validate.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/server/bootstrap.h"

namespace proxenos::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

absl::StatusOr<LoadedBootstrap> Load(const std::string& yaml, Options options = {}) {
  options.config_yaml = yaml;
  return LoadBootstrap(options);
}

std::string Validate(const std::string& yaml) {
  const auto loaded = Load(yaml);
  return Text(loaded.ok() ? Validate(*loaded) : loaded.status());
}

std::string Ads(const std::string& services) {
  return absl::StrCat("dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [", services,
                      "]}}\n");
}

constexpr char kService[] = "{google_grpc: {target_uri: '127.0.0.1:1', stat_prefix: x}}";

std::string ListenerText(const std::string& name, int port, const std::string& cluster) {
  const std::string filters = "type.googleapis.com/envoy.extensions.filters.";
  const std::string manager = "network.http_connection_manager.v3.HttpConnectionManager";
  return absl::Substitute(
      R"({name: $0, address: {socket_address: {address: 127.0.0.1, port_value: $1}},
      filter_chains: [{filters: [{name: hcm, typed_config: {"@type": $3, stat_prefix: x,
      route_config: {virtual_hosts: [{name: v, domains: ["*"], routes:
      [{match: {prefix: /}, route: {cluster: $2}}]}]},
      http_filters: [{name: envoy.filters.http.router, typed_config: {"@type": $4}}]}}]}]})",
      name, port, cluster, absl::StrCat(filters, manager),
      absl::StrCat(filters, "http.router.v3.Router"));
}

constexpr char kCluster[] =
    "{name: a, connect_timeout: 1s, type: STATIC, load_assignment: {cluster_name: a}}";

// Control planes decide by it what they may send.
TEST(BootstrapNode, SaysWhichEnvoyItStandsFor) {
  const auto loaded = Load("node: {id: node, cluster: edge}");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto& node = loaded->proto.node();
  EXPECT_EQ(node.user_agent_name(), "proxenos");
  EXPECT_EQ(node.user_agent_build_version().version().major_number(), 1u);
  EXPECT_EQ(node.user_agent_build_version().version().minor_number(), 40u);
  EXPECT_EQ(
      node.user_agent_build_version().metadata().fields().at("proxenos.version").string_value(),
      kVersion);
}

TEST(BootstrapNode, WhatIsWrittenOfTheUserAgentStands) {
  const auto loaded =
      Load("node: {user_agent_name: mine, user_agent_build_version: {version: {major_number: 9}}}");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto& node = loaded->proto.node();
  EXPECT_EQ(node.user_agent_name(), "mine");
  EXPECT_EQ(node.user_agent_build_version().version().major_number(), 9u);
  EXPECT_EQ(node.user_agent_build_version().version().minor_number(), 0u);
  EXPECT_TRUE(node.user_agent_build_version().metadata().fields().empty());
  const auto text = Load("node: {user_agent_version: special}");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->proto.node().user_agent_version(), "special");
}

TEST(BootstrapNode, CommandLineHasTheLastWord) {
  Options options;
  options.service_node = "n2";
  options.service_cluster = "c2";
  options.service_zone = "z2";
  const auto loaded =
      Load("node: {id: n1, cluster: c1, locality: {zone: z1, region: r1}}", options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->proto.node().id(), "n2");
  EXPECT_EQ(loaded->proto.node().cluster(), "c2");
  EXPECT_EQ(loaded->proto.node().locality().zone(), "z2");
  EXPECT_EQ(loaded->proto.node().locality().region(), "r1");
}

TEST(BootstrapStats, TagsOfTheCommandLineAreAdded) {
  Options options;
  options.stats_tags = {{"site", "lab:1"}, {"rack", "7"}};
  const auto loaded =
      Load("stats_config: {stats_tags: [{tag_name: zone, fixed_value: z}]}", options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const auto& tags = loaded->proto.stats_config().stats_tags();
  ASSERT_EQ(tags.size(), 3);
  EXPECT_EQ(tags[1].tag_name(), "site");
  EXPECT_EQ(tags[1].fixed_value(), "lab:1");
  EXPECT_EQ(tags[2].tag_name(), "rack");
}

TEST(BootstrapNode, IsNeededForAControlPlane) {
  const std::string problem = Validate(Ads(kService));
  EXPECT_THAT(problem, HasSubstr("node.id: "));
  EXPECT_THAT(problem, HasSubstr("node.cluster: "));
  EXPECT_EQ(Validate(absl::StrCat("node: {id: i, cluster: c}\n", Ads(kService))), "");
  EXPECT_EQ(Validate("admin: {}"), "");
}

TEST(Validate, OneServiceOrMoreIsExpected) {
  const char* node = "node: {id: i, cluster: c}\n";
  EXPECT_THAT(Validate(absl::StrCat(node, Ads(""))),
              HasSubstr("dynamic_resources.ads_config: grpc_services: 0 items: expected from 1"));
  EXPECT_EQ(Validate(absl::StrCat(node, Ads(absl::StrCat(kService, ", ", kService)))), "");
}

TEST(Validate, ResourcesAreJudgedTogether) {
  const std::string problem = Validate(absl::StrCat(
      "static_resources: {clusters: [", kCluster, ", ", kCluster, "], listeners: [",
      ListenerText("l", 10000, "a"), ", ", ListenerText("l", 10001, "a"), ", ",
      ListenerText("m", 10000, "a"), ", ", ListenerText("other", 10002, "nobody"), "]}\n",
      "admin: {address: {socket_address: {address: not.an.ip, port_value: 1}}}\n",
      "dynamic_resources: {lds_config: {ads: {}}}"));
  EXPECT_THAT(problem, HasSubstr("static cluster 'a': a cluster of this name was defined before"));
  EXPECT_THAT(problem,
              HasSubstr("static listener 'l': a listener of this name was defined before"));
  EXPECT_THAT(problem, HasSubstr("static listener 'm': address: 127.0.0.1:10000 is that of"));
  EXPECT_THAT(problem, HasSubstr("name unknown clusters: nobody"));
  EXPECT_THAT(problem, HasSubstr("admin.address"));
  EXPECT_THAT(problem, HasSubstr("dynamic_resources.lds_config: `ads` needs"));
}

TEST(Validate, ClustersOfDiscoveryMayBeNamed) {
  EXPECT_EQ(
      Validate(absl::StrCat("static_resources: {listeners: [", ListenerText("l", 10000, "later"),
                            "]}\ndynamic_resources: {cds_config: {path: /x/cds.yaml}}")),
      "");
}

TEST(Validate, ServicesToReportTo) {
  const std::string load = "cluster_manager: {load_stats_config: {transport_api_version: V3, ";
  const std::string health = "hds_config: {transport_api_version: V3, ";
  const std::string service = absl::StrCat("grpc_services: [", kService, "]");
  EXPECT_EQ(Validate(absl::StrCat(load, "api_type: GRPC, ", service, "}}\n", health,
                                  "api_type: GRPC, ", service, "}\n")),
            "");
  // Control planes write the one whether or not there is a service; that is no report, as in Envoy.
  EXPECT_EQ(Validate(absl::StrCat(load, "api_type: GRPC}}\n")), "");
  EXPECT_THAT(Validate(absl::StrCat(health, "api_type: GRPC}\n")),
              HasSubstr("hds_config.grpc_services: 0 items"));
  EXPECT_THAT(Validate(absl::StrCat(load,
                                    "api_type: GRPC, grpc_services: [{envoy_grpc: "
                                    "{cluster_name: nobody}}]}}\n")),
              HasSubstr("cluster_manager.load_stats_config.grpc_services[0].envoy_grpc."
                        "cluster_name: value nobody: expected a cluster of static_resources"));
  EXPECT_THAT(Validate(absl::StrCat(health, "api_type: REST, cluster_names: [a]}\n")),
              HasSubstr("hds_config.api_type"));
}

TEST(Validate, WhenUnusedStatsAreForgotten) {
  EXPECT_EQ(Validate("stats_eviction_interval: 10s\n"), "");
  EXPECT_EQ(Validate("stats_flush_interval: 3s\nstats_eviction_interval: 9s\n"), "");
  EXPECT_THAT(Validate("stats_flush_interval: 3s\nstats_eviction_interval: 10s\n"),
              HasSubstr("stats_eviction_interval: must be a multiple of stats_flush_interval"));
}

TEST(Validate, BucketsOfHistograms) {
  const std::string rule =
      "stats_config: {histogram_bucket_settings: [{match: {prefix: a}, buckets: ";
  EXPECT_EQ(Validate(absl::StrCat(rule, "[10, 1]}]}\n")), "");
  EXPECT_THAT(Validate(absl::StrCat(rule, "[0]}]}\n")),
              HasSubstr("stats_config.histogram_bucket_settings[0].buckets[0]"));
  EXPECT_THAT(Validate(absl::StrCat(rule, "[.inf]}]}\n")),
              HasSubstr("stats_config.histogram_bucket_settings[0].buckets[0]"));
}

// As Envoy 1.40: where its endpoints come from does not matter, but it must be there; only where
// secrets come from may be missing.
TEST(Validate, ClustersThatStreamsGoOver) {
  const std::string api =
      "{resource_api_version: V3, api_config_source: {api_type: GRPC, transport_api_version: V3, "
      "grpc_services: [{envoy_grpc: {cluster_name: x}}]}}";
  const std::string cds = absl::StrCat("dynamic_resources: {cds_config: ", api, "}\n");
  const auto with = [](absl::string_view cluster) {
    return absl::StrCat("static_resources: {clusters: [", cluster, "]}\n");
  };
  const std::string node = "node: {id: a, cluster: b}\n";
  EXPECT_THAT(Validate(node + cds),
              HasSubstr("cluster_name: value x: expected a cluster of static_resources"));
  EXPECT_EQ(Validate(node + cds + with("{name: x, type: STATIC}")), "");
  EXPECT_EQ(Validate(node + cds +
                     with("{name: x, type: EDS, eds_cluster_config: {eds_config: "
                          "{path_config_source: {path: /x/eds.yaml}}}}")),
            "");
  EXPECT_EQ(
      Validate(absl::StrCat(
          node, with(absl::StrCat(
                    "{name: c, type: STATIC, transport_socket: {name: tls, typed_config: {'@type': "
                    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
                    "UpstreamTlsContext, common_tls_context: {tls_certificate_sds_secret_configs: "
                    "[{name: default, sds_config: ",
                    api, "}]}}}}")))),
      "");
}

TEST(Validate, NamesAreNotLookedUp) {
  EXPECT_EQ(Validate("static_resources: {clusters: [{name: d, connect_timeout: 1s, type: "
                     "STRICT_DNS, load_assignment: {cluster_name: d, endpoints: [{lb_endpoints: "
                     "[{endpoint: {address: {socket_address: {address: no.such.name, port_value: "
                     "1}}}}]}]}}]}"),
            "");
}

}  // namespace
}  // namespace proxenos::server
