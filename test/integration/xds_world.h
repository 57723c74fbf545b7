// The resources of a small world for xDS tests: a listener, its routes, clusters, endpoints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "tools/xds_server/discovery_server.h"

namespace proxenos::testing {

inline constexpr char kListenerType[] = "type.googleapis.com/envoy.config.listener.v3.Listener";
inline constexpr char kRouteType[] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
inline constexpr char kClusterType[] = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
inline constexpr char kEndpointType[] =
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

// A ConfigSource in JSON: over ADS, or a stream of its own (`api_type` of an ApiConfigSource).
inline constexpr char kOverAds[] = R"({"ads": {}, "resource_api_version": "V3"})";
std::string OwnStream(const std::string& address, absl::string_view api_type);

// A listener on 127.0.0.1 whose routes come by the name `routes`.
google::protobuf::Any ListenerResource(absl::string_view name, uint16_t port,
                                       absl::string_view routes, absl::string_view server_name,
                                       absl::string_view routes_source = kOverAds);
// All to one cluster; responses carry x-route-version.
google::protobuf::Any RoutesResource(absl::string_view name, absl::string_view cluster,
                                     absl::string_view version);
// Endpoints come by its name. No request fails because a host is being replaced: connections and
// requests that failed before the origin saw them are tried again by the route.
google::protobuf::Any ClusterResource(absl::string_view name, int connect_timeout_ms = 5000,
                                      absl::string_view endpoints_source = kOverAds);
// With one endpoint of its own.
google::protobuf::Any StaticClusterResource(absl::string_view name, uint16_t port);
google::protobuf::Any EndpointsResource(absl::string_view cluster,
                                        const std::vector<uint16_t>& ports);
// From JSON, for the resources that a test wants otherwise.
google::protobuf::Any ResourceFromJson(absl::string_view json);

// A bootstrap that takes listeners and clusters over ADS from `address`.
std::string AdsBootstrap(const std::string& address, absl::string_view api_type = "GRPC");
// The same from streams of their own: `source` is a ConfigSource in JSON.
std::string SourceBootstrap(absl::string_view source);

}  // namespace proxenos::testing
