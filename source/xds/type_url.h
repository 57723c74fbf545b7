// The type URLs and service methods of the xDS protocol: words of the wire, no meaning.
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::xds {

inline constexpr char kListenerType[] = "type.googleapis.com/envoy.config.listener.v3.Listener";
inline constexpr char kRouteType[] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
inline constexpr char kClusterType[] = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
inline constexpr char kEndpointType[] =
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
inline constexpr char kSecretType[] =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

// The bidirectional method that carries all types.
inline constexpr char kAggregatedMethod[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

// The bidirectional method that carries one type alone; empty where there is none.
inline absl::string_view StreamMethod(absl::string_view type_url) {
  if (type_url == kListenerType) {
    return "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners";
  }
  if (type_url == kRouteType) {
    return "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes";
  }
  if (type_url == kClusterType) {
    return "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters";
  }
  if (type_url == kEndpointType) {
    return "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints";
  }
  if (type_url == kSecretType) {
    return "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets";
  }
  return {};
}

}  // namespace proxenos::xds
