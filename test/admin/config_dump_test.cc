// /config_dump: every state of a resource, the three parameters, secrets.
#include <string>

#include "absl/strings/match.h"
#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "test/admin/fake_server.h"

namespace proxenos::admin {
namespace {

using envoy::admin::v3::ClustersConfigDump;
using envoy::admin::v3::ConfigDump;
using envoy::admin::v3::EndpointsConfigDump;
using envoy::admin::v3::ListenersConfigDump;
using envoy::admin::v3::RoutesConfigDump;
using envoy::admin::v3::SecretsConfigDump;
using envoy::config::cluster::v3::Cluster;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::transport_sockets::tls::v3::Secret;
using testing::OwnedVersion;

// 2026-11-22T04:11:41.173646Z
constexpr base::WallTime kThen = 1795320701173646;

template <class Proto>
OwnedVersion Version(const std::string& version, const std::string& yaml) {
  return OwnedVersion{version, testing::Bytes<Proto>(yaml), kThen};
}

class ConfigDumpTest : public ::testing::Test {
 protected:
  ConfigDump Dump(const std::string& query) {
    ConfigDump dump;
    const std::string json = server_.Get("/config_dump" + query);
    const auto status = google::protobuf::util::JsonStringToMessage(json, &dump);
    EXPECT_TRUE(status.ok()) << status.ToString() << json;
    return dump;
  }

  // The part of that type.
  template <class Part>
  Part PartOf(const ConfigDump& dump) {
    Part part;
    for (const auto& config : dump.configs()) {
      if (config.Is<Part>()) {
        EXPECT_TRUE(config.UnpackTo(&part));
        return part;
      }
    }
    ADD_FAILURE() << "no such part";
    return part;
  }

  template <class Proto>
  Proto Inner(const google::protobuf::Any& any) {
    Proto proto;
    EXPECT_TRUE(any.UnpackTo(&proto)) << any.type_url();
    return proto;
  }

  void Refused(int status, const std::string& query, const std::string& body) {
    const Response response = server_.Call("GET", "/config_dump" + query);
    EXPECT_EQ(response.status, status) << query;
    EXPECT_EQ(response.body, body);
  }

  void AddClusters() {
    server_.AddConfig(ConfigKind::kCluster, "fixed", true).active =
        Version<Cluster>("", "name: fixed");
    auto& served = server_.AddConfig(ConfigKind::kCluster, "served", false);
    served.active = Version<Cluster>("v1", "{name: served, connect_timeout: 1s}");
    served.warming = Version<Cluster>("v2", "{name: served, connect_timeout: 2s}");
    served.refused = Version<Cluster>("v3", "{name: served, connect_timeout: 3s}");
    served.reason = "no good";
    auto& never = server_.AddConfig(ConfigKind::kCluster, "never", false);
    never.refused = Version<Cluster>("v3", "name: never");
    never.reason = "worse";
  }

  testing::FakeServer server_;
};

TEST_F(ConfigDumpTest, PartsInEnvoysOrder) {
  std::vector<std::string> types;
  const ConfigDump dump = Dump("?include_eds");
  for (const auto& config : dump.configs()) types.push_back(config.type_url());
  const std::string prefix = "type.googleapis.com/envoy.admin.v3.";
  EXPECT_EQ(types, (std::vector<std::string>{
                       prefix + "BootstrapConfigDump", prefix + "ClustersConfigDump",
                       prefix + "EndpointsConfigDump", prefix + "ListenersConfigDump",
                       prefix + "ScopedRoutesConfigDump", prefix + "RoutesConfigDump",
                       prefix + "SecretsConfigDump"}));
  EXPECT_EQ(Dump("").configs_size(), 6);
}

TEST_F(ConfigDumpTest, Bootstrap) {
  server_.bootstrap.mutable_node()->set_id("n1");
  const std::string json = server_.Get("/config_dump");
  EXPECT_TRUE(absl::StrContains(json, "\"last_updated\": \"2026-11-22T04:11:41.173646Z\"")) << json;
  EXPECT_TRUE(absl::StrContains(json, "\"id\": \"n1\"")) << json;
}

TEST_F(ConfigDumpTest, ClustersInAllStates) {
  AddClusters();
  const auto part = PartOf<ClustersConfigDump>(Dump(""));
  EXPECT_EQ(part.version_info(), "c7");
  ASSERT_EQ(part.static_clusters_size(), 1);
  EXPECT_EQ(Inner<Cluster>(part.static_clusters(0).cluster()).name(), "fixed");
  ASSERT_EQ(part.dynamic_active_clusters_size(), 1);
  const auto& active = part.dynamic_active_clusters(0);
  EXPECT_EQ(active.version_info(), "v1");
  EXPECT_EQ(Inner<Cluster>(active.cluster()).connect_timeout().seconds(), 1);
  EXPECT_EQ(active.last_updated().seconds(), kThen / 1000000);
  EXPECT_EQ(active.last_updated().nanos(), 173646000);
  EXPECT_EQ(active.error_state().version_info(), "v3");
  EXPECT_EQ(active.error_state().details(), "no good");
  EXPECT_EQ(active.error_state().last_update_attempt().nanos(), 173646000);
  EXPECT_EQ(Inner<Cluster>(active.error_state().failed_configuration()).connect_timeout().seconds(),
            3);
  ASSERT_EQ(part.dynamic_warming_clusters_size(), 2);
  EXPECT_EQ(part.dynamic_warming_clusters(0).version_info(), "v2");
  EXPECT_FALSE(part.dynamic_warming_clusters(0).has_error_state());
  // Refused from the start: nothing is in force, but it must be seen.
  EXPECT_FALSE(part.dynamic_warming_clusters(1).has_cluster());
  EXPECT_EQ(part.dynamic_warming_clusters(1).error_state().details(), "worse");
  EXPECT_EQ(part.dynamic_warming_clusters(1).client_status(), envoy::admin::v3::NACKED);
}

TEST_F(ConfigDumpTest, ListenersInAllStates) {
  server_.AddConfig(ConfigKind::kListener, "fixed", true).active =
      Version<Listener>("", "name: fixed");
  auto& moving = server_.AddConfig(ConfigKind::kListener, "moving", false);
  moving.active = Version<Listener>("v2", "name: moving");
  moving.warming = Version<Listener>("v3", "name: moving");
  moving.draining = Version<Listener>("v1", "name: moving");
  moving.refused = Version<Listener>("v4", "name: moving");
  moving.reason = "no";
  const auto part = PartOf<ListenersConfigDump>(Dump(""));
  EXPECT_EQ(part.version_info(), "l3");
  EXPECT_EQ(Inner<Listener>(part.static_listeners(0).listener()).name(), "fixed");
  const auto& listener = part.dynamic_listeners(0);
  EXPECT_EQ(listener.name(), "moving");
  EXPECT_EQ(listener.active_state().version_info(), "v2");
  EXPECT_EQ(listener.warming_state().version_info(), "v3");
  EXPECT_EQ(listener.draining_state().version_info(), "v1");
  EXPECT_EQ(listener.error_state().details(), "no");
  EXPECT_EQ(Inner<Listener>(listener.active_state().listener()).name(), "moving");
}

TEST_F(ConfigDumpTest, Routes) {
  // Inline routes come from the server without a name.
  server_.AddConfig(ConfigKind::kRoute, "", true).active =
      Version<RouteConfiguration>("", "name: inline");
  auto& named = server_.AddConfig(ConfigKind::kRoute, "named", false);
  named.active = Version<RouteConfiguration>("r1", "name: named");
  const auto part = PartOf<RoutesConfigDump>(Dump(""));
  EXPECT_EQ(Inner<RouteConfiguration>(part.static_route_configs(0).route_config()).name(),
            "inline");
  EXPECT_EQ(part.dynamic_route_configs(0).version_info(), "r1");
  EXPECT_FALSE(part.dynamic_route_configs(0).has_error_state());
  const auto filtered = PartOf<RoutesConfigDump>(Dump("?name_regex=in.*"));
  EXPECT_EQ(filtered.static_route_configs_size(), 1);
  EXPECT_EQ(filtered.dynamic_route_configs_size(), 0);
}

TEST_F(ConfigDumpTest, SecretsWithoutWhatIsSecret) {
  const std::string pair = R"(
name: mine
tls_certificate:
  certificate_chain: {inline_string: the chain}
  private_key: {inline_string: very secret}
  password: {inline_string: very secret})";
  server_.AddConfig(ConfigKind::kSecret, "mine", true).active = Version<Secret>("", pair);
  auto& found = server_.AddConfig(ConfigKind::kSecret, "found", false);
  found.active = Version<Secret>(
      "s4", "name: found\nsession_ticket_keys: {keys: [{inline_string: very secret}]}");
  found.refused = Version<Secret>("s5", pair);
  found.reason = "is bad";
  server_.AddConfig(ConfigKind::kSecret, "awaited", false);
  const std::string json = server_.Get("/config_dump");
  EXPECT_FALSE(absl::StrContains(json, "very secret"));
  EXPECT_TRUE(absl::StrContains(json, "the chain"));
  const auto part = PartOf<SecretsConfigDump>(Dump(""));
  ASSERT_EQ(part.static_secrets_size(), 1);
  EXPECT_EQ(part.static_secrets(0).name(), "mine");
  EXPECT_EQ(Inner<Secret>(part.static_secrets(0).secret())
                .tls_certificate()
                .private_key()
                .inline_string(),
            "[redacted]");
  ASSERT_EQ(part.dynamic_active_secrets_size(), 1);
  EXPECT_EQ(part.dynamic_active_secrets(0).version_info(), "s4");
  EXPECT_EQ(part.dynamic_active_secrets(0).error_state().details(), "is bad");
  ASSERT_EQ(part.dynamic_warming_secrets_size(), 1);
  EXPECT_EQ(part.dynamic_warming_secrets(0).name(), "awaited");
}

TEST_F(ConfigDumpTest, EndpointsAreThoseInForce) {
  server_.AddCluster(R"(
name: fixed
type: STATIC
load_assignment:
  cluster_name: fixed
  endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /run/o.sock}}}}]}]
)");
  server_
      .AddCluster(
          "{name: dyn, type: EDS, eds_cluster_config: {service_name: es, eds_config: "
          "{ads: {}}}}",
          R"(
cluster_name: es
endpoints:
- locality: {zone: a}
  lb_endpoints:
  - {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}
  - health_status: DEGRADED
    endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 80}}}
- locality: {zone: b}
  priority: 1
  lb_endpoints:
  - {endpoint: {address: {socket_address: {address: 10.0.0.3, port_value: 80}}}}
)")
      .added_via_api = true;
  server_.clusters[1]->hosts->host(0).SetHealthBits(upstream::kFailedOutlierCheck);
  using envoy::config::endpoint::v3::ClusterLoadAssignment;
  auto& sent = server_.AddConfig(ConfigKind::kEndpoint, "es", false);
  sent.active = Version<ClusterLoadAssignment>("e5", "cluster_name: es");
  sent.refused = Version<ClusterLoadAssignment>("e6", "cluster_name: es");
  sent.reason = "bad address";
  auto& lonely = server_.AddConfig(ConfigKind::kEndpoint, "lonely", false);
  lonely.refused = Version<ClusterLoadAssignment>("e6", "cluster_name: lonely");

  const auto part = PartOf<EndpointsConfigDump>(Dump("?include_eds"));
  ASSERT_EQ(part.static_endpoint_configs_size(), 1);
  ASSERT_EQ(part.dynamic_endpoint_configs_size(), 2);
  const auto fixed =
      Inner<ClusterLoadAssignment>(part.static_endpoint_configs(0).endpoint_config());
  EXPECT_EQ(fixed.endpoints(0).lb_endpoints(0).endpoint().address().pipe().path(), "/run/o.sock");
  const auto& entry = part.dynamic_endpoint_configs(0);
  EXPECT_EQ(entry.version_info(), "e5");
  EXPECT_EQ(entry.error_state().details(), "bad address");
  const auto dyn = Inner<ClusterLoadAssignment>(entry.endpoint_config());
  EXPECT_EQ(dyn.cluster_name(), "es");
  ASSERT_EQ(dyn.endpoints_size(), 2);
  EXPECT_EQ(dyn.endpoints(0).locality().zone(), "a");
  EXPECT_EQ(dyn.endpoints(1).priority(), 1u);
  EXPECT_EQ(dyn.endpoints(0).lb_endpoints(0).health_status(), envoy::config::core::v3::UNHEALTHY);
  EXPECT_EQ(dyn.endpoints(0).lb_endpoints(1).health_status(), envoy::config::core::v3::DEGRADED);
  EXPECT_EQ(dyn.endpoints(1).lb_endpoints(0).health_status(), envoy::config::core::v3::HEALTHY);
  EXPECT_EQ(part.dynamic_endpoint_configs(1).error_state().version_info(), "e6");
}

TEST_F(ConfigDumpTest, ByName) {
  AddClusters();
  const auto part = PartOf<ClustersConfigDump>(Dump("?name_regex=.*e.*d"));
  EXPECT_EQ(part.static_clusters_size(), 1);          // fixed
  EXPECT_EQ(part.dynamic_active_clusters_size(), 1);  // served
  EXPECT_EQ(part.dynamic_warming_clusters_size(), 1);
  // The whole name must match.
  EXPECT_EQ(PartOf<ClustersConfigDump>(Dump("?name_regex=serve")).dynamic_active_clusters_size(),
            0);
  Refused(400, "?name_regex=%5B", "Error while parsing name_regex from [: missing ]: [");
}

TEST_F(ConfigDumpTest, OneResource) {
  AddClusters();
  const ConfigDump dump = Dump("?resource=dynamic_warming_clusters");
  ASSERT_EQ(dump.configs_size(), 2);
  EXPECT_EQ(dump.configs(0).type_url(),
            "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster");
  EXPECT_EQ(Dump("?resource=dynamic_warming_clusters&name_regex=never").configs_size(), 1);
  EXPECT_EQ(Dump("?resource=dynamic_listeners").configs_size(), 0);
  Refused(404, "?resource=nope", "nope not found in config dump");
  Refused(404, "?resource=dynamic_endpoint_configs",
          "dynamic_endpoint_configs not found in config dump");
  Refused(400, "?resource=bootstrap",
          "bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field");
}

TEST_F(ConfigDumpTest, MaskedResources) {
  AddClusters();
  const ConfigDump dump =
      Dump("?resource=dynamic_active_clusters&mask=version_info,cluster.connect_timeout");
  ClustersConfigDump::DynamicCluster entry;
  ASSERT_TRUE(dump.configs(0).UnpackTo(&entry));
  EXPECT_EQ(entry.version_info(), "v1");
  EXPECT_FALSE(entry.has_last_updated());
  EXPECT_FALSE(entry.has_error_state());
  const Cluster cluster = Inner<Cluster>(entry.cluster());
  EXPECT_EQ(cluster.connect_timeout().seconds(), 1);
  EXPECT_EQ(cluster.name(), "");
  Refused(400, "?resource=dynamic_active_clusters&mask=nope",
          "FieldMask nope could not be successfully used.");
}

TEST_F(ConfigDumpTest, MaskedParts) {
  AddClusters();
  server_.bootstrap.mutable_node()->set_id("n1");
  server_.bootstrap.mutable_node()->set_cluster("c1");
  const ConfigDump bootstrap = Dump("?mask=bootstrap.node.id");
  ASSERT_EQ(bootstrap.configs_size(), 1);
  EXPECT_EQ(bootstrap.configs(0).type_url(),
            "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump");
  EXPECT_FALSE(absl::StrContains(server_.Get("/config_dump?mask=bootstrap.node.id"), "c1"));

  // Through repeated fields and what an Any holds, and of several parts, which Envoy does not do.
  const ConfigDump several = Dump("?mask=dynamic_active_clusters.cluster.name,dynamic_listeners");
  ASSERT_EQ(several.configs_size(), 2);
  const auto part = PartOf<ClustersConfigDump>(several);
  EXPECT_EQ(part.version_info(), "");
  EXPECT_EQ(part.static_clusters_size(), 0);
  const Cluster cluster = Inner<Cluster>(part.dynamic_active_clusters(0).cluster());
  EXPECT_EQ(cluster.name(), "served");
  EXPECT_FALSE(cluster.has_connect_timeout());
  Refused(400, "?mask=nope", "FieldMask nope could not be successfully applied to any configs.");
  Refused(400, "?mask=bootstrap.nope.x",
          "FieldMask bootstrap.nope.x could not be successfully applied to any configs.");
}

TEST_F(ConfigDumpTest, AWholeFieldWinsOverItsParts) {
  AddClusters();
  for (const char* mask : {"cluster,cluster.name", "cluster.name,cluster"}) {
    const ConfigDump dump = Dump(std::string("?resource=dynamic_active_clusters&mask=") + mask);
    ClustersConfigDump::DynamicCluster entry;
    ASSERT_TRUE(dump.configs(0).UnpackTo(&entry));
    EXPECT_TRUE(Inner<Cluster>(entry.cluster()).has_connect_timeout()) << mask;
  }
}

// What a secret is in is known by its surroundings; no mask may take those away first.
TEST_F(ConfigDumpTest, SecretsStayHidden) {
  constexpr char kTypedStruct[] = R"(
name: tls
transport_socket:
  name: t
  typed_config:
    "@type": type.googleapis.com/xds.type.v3.TypedStruct
    type_url: type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    value: {common_tls_context: {tlsCertificates: [{private_key: {inline_string: hush}}]}}
)";
  auto& config = server_.AddConfig(ConfigKind::kCluster, "tls", false);
  config.active = Version<Cluster>("v", kTypedStruct);
  config.refused = Version<Cluster>("w", kTypedStruct);
  const std::string resource = "/config_dump?resource=dynamic_active_clusters";
  for (const std::string& target :
       {std::string("/config_dump"), std::string("/config_dump?mask=dynamic_active_clusters"),
        resource, resource + "&mask=cluster", resource + "&mask=error_state.failed_configuration",
        resource + "&mask=cluster.transport_socket.typed_config.value",
        std::string("/config_dump?mask=dynamic_active_clusters.cluster.transport_socket."
                    "typed_config.value")}) {
    const std::string json = server_.Get(target);
    EXPECT_FALSE(absl::StrContains(json, "hush")) << target << json;
    EXPECT_TRUE(absl::StrContains(json, "[redacted]")) << target << json;
  }
}

TEST_F(ConfigDumpTest, BytesThatAreNoProtoComeOutAllTheSame) {
  auto& config = server_.AddConfig(ConfigKind::kListener, "broken", false);
  config.refused = OwnedVersion{"v1", "\xff\xff\xff", kThen};
  config.reason = "not a Listener";
  EXPECT_TRUE(absl::StrContains(server_.Get("/config_dump"), "not a Listener"));
  EXPECT_TRUE(absl::StrContains(server_.Get("/config_dump?mask=dynamic_listeners.error_state"),
                                "not a Listener"));
}

}  // namespace
}  // namespace proxenos::admin
