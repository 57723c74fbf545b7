// The type URLs of what a ConfigKind stands for.
#pragma once

#include "absl/strings/string_view.h"
#include "source/admin/admin_source.h"

namespace proxenos::admin {

inline constexpr char kScopeTypeUrl[] =
    "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";

constexpr absl::string_view TypeUrlOf(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kCluster:
      return "type.googleapis.com/envoy.config.cluster.v3.Cluster";
    case ConfigKind::kListener:
      return "type.googleapis.com/envoy.config.listener.v3.Listener";
    case ConfigKind::kRoute:
      return "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
    case ConfigKind::kVirtualHost:
      return "type.googleapis.com/envoy.config.route.v3.VirtualHost";
    case ConfigKind::kEndpoint:
      return "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
    case ConfigKind::kSecret:
      return "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    case ConfigKind::kExtension:
      return "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
    case ConfigKind::kRuntime:
      return "type.googleapis.com/envoy.service.runtime.v3.Runtime";
  }
  return {};
}

}  // namespace proxenos::admin
