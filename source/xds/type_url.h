// The types of the xDS protocol and how each is asked for: words of the wire, no meaning.
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::xds {

inline constexpr char kListenerType[] = "type.googleapis.com/envoy.config.listener.v3.Listener";
inline constexpr char kRouteType[] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
inline constexpr char kScopedRouteType[] =
    "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";
inline constexpr char kVirtualHostType[] = "type.googleapis.com/envoy.config.route.v3.VirtualHost";
inline constexpr char kClusterType[] = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
inline constexpr char kEndpointType[] =
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
inline constexpr char kSecretType[] =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
inline constexpr char kExtensionConfigType[] =
    "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
inline constexpr char kRuntimeType[] = "type.googleapis.com/envoy.service.runtime.v3.Runtime";

// The bidirectional methods that carry all types.
inline constexpr char kAggregatedMethod[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
inline constexpr char kDeltaAggregatedMethod[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

struct ResourceType {
  absl::string_view url;
  // The methods that carry this type alone; empty where there is none.
  absl::string_view stream_method;
  absl::string_view delta_method;
  absl::string_view rest_path;
  // A state of the world is the whole set: what it lacks is removed. Of other types, what a
  // response lacks stays as it was.
  bool whole_set = false;
  // VHDS: a name stands for all names "name/…" as well, and a resource is known by the name of its
  // wrapper.
  bool namespaces = false;
};

// In order of dependency: requests that are due together go out like this, so that nothing is
// asked for before what it refers to.
// Const, not constexpr: under UBSan GCC 12 takes no address of an array for a constant.
inline const ResourceType kResourceTypes[] = {
    {kRuntimeType, "/envoy.service.runtime.v3.RuntimeDiscoveryService/StreamRuntime",
     "/envoy.service.runtime.v3.RuntimeDiscoveryService/DeltaRuntime", "/v3/discovery:runtime"},
    {kClusterType, "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters",
     "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters", "/v3/discovery:clusters",
     true},
    {kSecretType, "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
     "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets", "/v3/discovery:secrets"},
    {kEndpointType, "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints",
     "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints",
     "/v3/discovery:endpoints"},
    {kExtensionConfigType,
     "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs",
     "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs",
     "/v3/discovery:extension_configs"},
    {kListenerType, "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners",
     "/envoy.service.listener.v3.ListenerDiscoveryService/DeltaListeners",
     "/v3/discovery:listeners", true},
    {kScopedRouteType, "/envoy.service.route.v3.ScopedRoutesDiscoveryService/StreamScopedRoutes",
     "/envoy.service.route.v3.ScopedRoutesDiscoveryService/DeltaScopedRoutes",
     "/v3/discovery:scoped-routes", true},
    {kRouteType, "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes",
     "/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes", "/v3/discovery:routes"},
    {kVirtualHostType, "", "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts",
     "", false, true},
};

// Null for a type that is not of the protocol.
inline const ResourceType* FindResourceType(absl::string_view url) {
  for (const ResourceType& type : kResourceTypes) {
    if (type.url == url) return &type;
  }
  return nullptr;
}

}  // namespace proxenos::xds
