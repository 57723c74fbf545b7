// Resources for xDS tests.
#include "test/integration/xds_world.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/base/check.h"

namespace proxenos::testing {
namespace {

constexpr char kListener[] = R"({
  "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
  "name": "NAME",
  "address": {"socket_address": {"address": "127.0.0.1", "port_value": PORT}},
  "filter_chains": [{"filters": [{
    "name": "envoy.filters.network.http_connection_manager",
    "typed_config": {
      "@type": "TYPE_OF_MANAGER",
      "stat_prefix": "NAME",
      "server_name": "SERVER",
      "rds": {"route_config_name": "ROUTES",
              "config_source": SOURCE},
      "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}]}]
})";

constexpr char kManagerType[] =
    "type.googleapis.com/"
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

constexpr char kRoutes[] = R"({
  "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  "name": "NAME",
  "response_headers_to_add": [{"header": {"key": "x-route-version", "value": "VERSION"}}],
  "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
    "match": {"prefix": "/"},
    "route": {"cluster": "CLUSTER", "retry_policy": {
      "retry_on": "connect-failure,reset-before-request", "num_retries": 3,
      "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.01s"}}}}]}]
})";

constexpr char kCluster[] = R"({
  "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  "name": "NAME", "type": "EDS", "connect_timeout": "TIMEOUTs",
  "eds_cluster_config": {"eds_config": SOURCE}
})";

constexpr char kBootstrap[] = R"(
node: {id: test, cluster: test}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
dynamic_resources:
  ads_config:
    api_type: API_TYPE
    transport_api_version: V3
    grpc_services:
    - google_grpc: {target_uri: "ADDRESS", stat_prefix: control_plane}
      retry_policy: {retry_back_off: {base_interval: 0.02s, max_interval: 0.2s}}
  lds_config: {ads: {}, resource_api_version: V3}
  cds_config: {ads: {}, resource_api_version: V3}
)";

constexpr char kSourceBootstrap[] = R"(
node: {id: test, cluster: test}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
dynamic_resources:
  lds_config: SOURCE
  cds_config: SOURCE
)";

constexpr char kOwnStream[] = R"({"resource_api_version": "V3", "api_config_source": {
  "api_type": "API_TYPE", "transport_api_version": "V3",
  "grpc_services": [{"google_grpc": {"target_uri": "ADDRESS", "stat_prefix": "control_plane"}}]}})";

}  // namespace

google::protobuf::Any ResourceFromJson(absl::string_view json) {
  google::protobuf::Any any;
  const auto status = google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &any);
  CHECK(status.ok());
  return any;
}

google::protobuf::Any ListenerResource(absl::string_view name, uint16_t port,
                                       absl::string_view routes, absl::string_view server_name,
                                       absl::string_view routes_source) {
  // Names the types, so that the linker keeps them.
  envoy::extensions::filters::http::router::v3::Router::descriptor();
  envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager::
      descriptor();
  return ResourceFromJson(absl::StrReplaceAll(kListener, {{"TYPE_OF_MANAGER", kManagerType},
                                                          {"NAME", name},
                                                          {"PORT", absl::StrCat(port)},
                                                          {"ROUTES", routes},
                                                          {"SOURCE", routes_source},
                                                          {"SERVER", server_name}}));
}

google::protobuf::Any RoutesResource(absl::string_view name, absl::string_view cluster,
                                     absl::string_view version) {
  return ResourceFromJson(
      absl::StrReplaceAll(kRoutes, {{"NAME", name}, {"CLUSTER", cluster}, {"VERSION", version}}));
}

google::protobuf::Any ClusterResource(absl::string_view name, int connect_timeout_ms,
                                      absl::string_view endpoints_source) {
  return ResourceFromJson(
      absl::StrReplaceAll(kCluster, {{"NAME", name},
                                     {"TIMEOUT", absl::StrCat(connect_timeout_ms / 1000.0)},
                                     {"SOURCE", endpoints_source}}));
}

google::protobuf::Any StaticClusterResource(absl::string_view name, uint16_t port) {
  return ResourceFromJson(absl::StrReplaceAll(
      R"({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "NAME",
          "connect_timeout": "5s", "load_assignment": {"cluster_name": "NAME", "endpoints": [
              {"lb_endpoints": [{"endpoint": {"address": {"socket_address":
                  {"address": "127.0.0.1", "port_value": PORT}}}}]}]}})",
      {{"NAME", name}, {"PORT", absl::StrCat(port)}}));
}

google::protobuf::Any EndpointsResource(absl::string_view cluster,
                                        const std::vector<uint16_t>& ports) {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(std::string(cluster));
  auto* locality = assignment.add_endpoints();
  for (const uint16_t port : ports) {
    auto* address = locality->add_lb_endpoints()
                        ->mutable_endpoint()
                        ->mutable_address()
                        ->mutable_socket_address();
    address->set_address("127.0.0.1");
    address->set_port_value(port);
  }
  google::protobuf::Any any;
  any.PackFrom(assignment);
  return any;
}

std::string AdsBootstrap(const std::string& address, absl::string_view api_type) {
  return absl::StrReplaceAll(kBootstrap, {{"ADDRESS", address}, {"API_TYPE", api_type}});
}

std::string SourceBootstrap(absl::string_view source) {
  return absl::StrReplaceAll(kSourceBootstrap, {{"SOURCE", source}});
}

std::string OwnStream(const std::string& address, absl::string_view api_type) {
  return absl::StrReplaceAll(kOwnStream, {{"ADDRESS", address}, {"API_TYPE", api_type}});
}

}  // namespace proxenos::testing
