// One conversion each.
#include "source/admin/host_proto.h"

namespace proxenos::admin {

void AddressToProto(const net::Address& address, envoy::config::core::v3::Address& proto) {
  if (address.family() == net::Address::Family::kUnix) {
    proto.mutable_pipe()->set_path(address.ToString());
    return;
  }
  if (address.family() == net::Address::Family::kInternal) {
    const std::string text = address.ToString();
    auto& internal = *proto.mutable_envoy_internal_address();
    internal.set_server_listener_name(std::string(address.internal_listener()));
    internal.set_endpoint_id(text.substr(text.find(internal.server_listener_name()) +
                                         internal.server_listener_name().size() + 1));
    return;
  }
  auto& socket = *proto.mutable_socket_address();
  socket.set_address(address.IpString());
  socket.set_port_value(address.port());
}

envoy::config::core::v3::HealthStatus HealthToProto(upstream::EndpointHealth health) {
  switch (health) {
    case upstream::EndpointHealth::kHealthy:
      return envoy::config::core::v3::HEALTHY;
    case upstream::EndpointHealth::kDegraded:
      return envoy::config::core::v3::DEGRADED;
    case upstream::EndpointHealth::kUnhealthy:
      return envoy::config::core::v3::UNHEALTHY;
    case upstream::EndpointHealth::kDraining:
      return envoy::config::core::v3::DRAINING;
    case upstream::EndpointHealth::kTimeout:
      return envoy::config::core::v3::TIMEOUT;
  }
  return envoy::config::core::v3::UNKNOWN;
}

}  // namespace proxenos::admin
