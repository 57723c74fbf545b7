// Resources as JSON.
#include "test/chaos/chaos_world.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "test/integration/xds_world.h"

namespace proxenos::testing {
namespace {

// TYPE in the texts below.
constexpr char kExtensions[] = "type.googleapis.com/envoy.extensions";

constexpr char kRoutes[] = R"({
  "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  "name": "routes",
  "response_headers_to_add": [{"header": {"key": "x-route-version", "value": "VERSION"}}],
  "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [EXTRA
    {"match": {"prefix": "/hop/"}, "route": {"cluster": "hop", "timeout": "0s",
                                             "prefix_rewrite": "/"}},
    {"match": {"prefix": "/kept/"}, "route": {"cluster": "kept", "timeout": "0s", SURE}},
    {"match": {"prefix": "/dns/"}, "route": {"cluster": "dns", "timeout": "0s", SURE}},
    {"match": {"prefix": "/plain/"}, "route": {"cluster": "plain", "timeout": "0s"}},
    {"match": {"prefix": "/timed/"}, "route": {"cluster": "timed", "timeout": "1s",
      "retry_policy": {"retry_on": "5xx,reset", "num_retries": 2, "per_try_timeout": "0.15s",
                       "retry_back_off": {"base_interval": "0.001s"}}}},
    {"match": {"prefix": "/narrow/"}, "route": {"cluster": "narrow", "timeout": "1s",
      "retry_policy": {"retry_on": "5xx", "num_retries": 1}}},
    {"match": {"prefix": "/churn/"}, "route": {"cluster": "churn", "timeout": "0s"}},
    {"match": {"prefix": "/lost/"}, "route": {"cluster": "lost", "timeout": "0s"}}]}]
})";

// A host is tried once at most, until one answers.
constexpr char kSure[] = R"("retry_policy": {
  "retry_on": "5xx,reset,connect-failure,refused-stream", "num_retries": 8,
  "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.01s"},
  "host_selection_retry_max_attempts": 200,
  "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {
    "@type": "TYPE.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}]})";

constexpr char kCluster[] = R"({
  "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  "name": "NAME", "connect_timeout": "TIMEOUTs", KIND,
  "circuit_breakers": {"thresholds": [THRESHOLDS]}MORE
})";

constexpr char kEds[] = R"("type": "EDS", "eds_cluster_config": {"eds_config":
  {"ads": {}, "resource_api_version": "V3"}})";

constexpr char kWide[] = R"({"max_connections": 10000, "max_pending_requests": 10000,
  "max_requests": 10000, "max_retries": 10000})";
constexpr char kNarrow[] = R"({"max_connections": 2, "max_pending_requests": 1,
  "max_requests": 3, "max_retries": 1, "track_remaining": true})";

constexpr char kNamed[] = R"("type": "STRICT_DNS", "dns_refresh_rate": "0.02s",
  "dns_failure_refresh_rate": {"base_interval": "0.01s", "max_interval": "0.05s"},
  "dns_lookup_family": "V4_ONLY",
  "typed_dns_resolver_config": {"name": "cares", "typed_config": {
    "@type": "TYPE.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
    "resolvers": [{"socket_address": {"address": "127.0.0.1", "port_value": NAMES_PORT}}]}},
  "load_assignment": {"cluster_name": "NAME", "endpoints": [{"lb_endpoints": [{"endpoint":
    {"address": {"socket_address": {"address": "NAME.example", "port_value": HOSTS_PORT}}}}]}]})";

constexpr char kHop[] = R"("type": "STATIC",
  "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "TYPE.upstreams.http.v3.HttpProtocolOptions",
    "explicit_http_config": {"http2_protocol_options": {}}}},
  "load_assignment": {"cluster_name": "hop", "endpoints": [{"lb_endpoints": [{"endpoint":
    {"address": {"socket_address": {"address": "127.0.0.1", "port_value": HOSTS_PORT}}}}]}]})";

constexpr char kWatched[] = R"(,
  "health_checks": [{"timeout": "0.3s", "interval": "0.05s", "unhealthy_threshold": 2,
                     "healthy_threshold": 1, "http_health_check": {"path": "/health"}}],
  "outlier_detection": {"consecutive_5xx": 3, "interval": "0.1s", "base_ejection_time": "0.1s",
                        "max_ejection_time": "0.5s", "max_ejection_percent": 70})";

// Named here, so that the linker keeps the types.
void KeepTypes() {
  envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate::descriptor();
  envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig::descriptor();
  envoy::extensions::upstreams::http::v3::HttpProtocolOptions::descriptor();
}

google::protobuf::Any ClusterOf(const ChaosWorld& world, absl::string_view name,
                                absl::string_view kind, absl::string_view more = "") {
  const bool narrow = name == "narrow";
  // A cluster that is made anew while its name cannot be resolved has no hosts, as in Envoy: those
  // with names stay as they are.
  const int timeout_s = kind == kNamed ? 5 : world.connect_timeout_s;
  const uint16_t port = name == "hop" ? world.inner_port : world.anchor_port;
  const std::string filled =
      absl::StrReplaceAll(kind, {{"NAME", name},
                                 {"HOSTS_PORT", absl::StrCat(port)},
                                 {"NAMES_PORT", absl::StrCat(world.dns_port)},
                                 {"TYPE", kExtensions}});
  return ResourceFromJson(absl::StrReplaceAll(kCluster, {{"NAME", name},
                                                         {"TIMEOUT", absl::StrCat(timeout_s)},
                                                         {"KIND", filled},
                                                         {"THRESHOLDS", narrow ? kNarrow : kWide},
                                                         {"MORE", more}}));
}

std::vector<uint16_t> HostsOf(const ChaosWorld& world) {
  std::vector<uint16_t> ports = world.always;
  for (size_t i = 0; i < world.sometimes.size(); ++i) {
    if (world.present[i]) ports.push_back(world.sometimes[i]);
  }
  return ports;
}

}  // namespace

xds_server::WorldState WorldOf(const ChaosWorld& world) {
  KeepTypes();
  xds_server::WorldState state;
  const std::string version = absl::StrCat("v", world.version);
  auto& clusters = state[kClusterType];
  auto& endpoints = state[kEndpointType];
  for (const char* name : {"kept", "plain", "timed", "narrow", "churn"}) {
    if (!world.churn_cluster && absl::string_view(name) == "churn") continue;
    const bool watched = absl::string_view(name) == "timed";
    clusters.resources.push_back(ClusterOf(world, name, kEds, watched ? kWatched : ""));
    endpoints.resources.push_back(EndpointsResource(name, HostsOf(world)));
  }
  clusters.resources.push_back(ClusterOf(world, "dns", kNamed));
  clusters.resources.push_back(ClusterOf(world, "lost", kNamed));
  clusters.resources.push_back(ClusterOf(world, "hop", kHop));
  std::string extra;
  for (int i = 0; i < world.extra_routes; ++i) {
    absl::StrAppend(&extra, R"({"match": {"path": "/extra)", i,
                    R"("}, "direct_response": {"status": 200}},)");
  }
  state[kRouteType].resources = {ResourceFromJson(absl::StrReplaceAll(
      kRoutes, {{"VERSION", version},
                {"EXTRA", extra},
                {"SURE", absl::StrReplaceAll(kSure, {{"TYPE", kExtensions}})}}))};
  auto& listeners = state[kListenerType];
  listeners.resources = {
      ListenerResource("main", world.port, "routes", absl::StrCat("s", world.server_name))};
  if (world.inner_listener) {
    listeners.resources.push_back(
        ListenerResource("inner", world.inner_port, "routes", absl::StrCat("i", world.inner_name)));
  }
  if (world.spare_listener) {
    listeners.resources.push_back(ListenerResource("spare", world.spare_port, "routes", "spare"));
  }
  for (auto& [type, all] : state) all.version = version;
  return state;
}

google::protobuf::Any BadResource(absl::string_view type) {
  if (type == kClusterType) {
    return ResourceFromJson(R"({"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
      "name": "bad", "type": "EDS", "circuit_breakers": {"thresholds": [{"priority": 7}]}})");
  }
  if (type == kEndpointType) {
    return ResourceFromJson(
        R"({"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
      "cluster_name": "timed", "endpoints": [{"lb_endpoints": [{"endpoint": {"address":
      {"socket_address": {"address": "not an address", "port_value": 1}}}}]}]})");
  }
  if (type == kRouteType) {
    return ResourceFromJson(
        R"({"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
      "name": "routes", "virtual_hosts": [{"name": "", "domains": []}]})");
  }
  return ResourceFromJson(R"({"@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
    "name": "main"})");
}

}  // namespace proxenos::testing
