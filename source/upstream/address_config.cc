// Addresses of the configuration, and what is wrong with them.
#include "source/upstream/address_config.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace proxenos::upstream {

using envoy::config::core::v3::Pipe;
using envoy::config::core::v3::SocketAddress;

std::optional<uint16_t> CompilePort(const SocketAddress& proto, config::Errors& errors,
                                    const config::Path& path) {
  if (proto.port_specifier_case() == SocketAddress::kNamedPort) {
    errors.AddValue(path.Field("named_port"), proto.named_port(), "a number, as port_value");
    return std::nullopt;
  }
  if (proto.port_value() > UINT16_MAX) {
    errors.AddValue(path.Field("port_value"), std::to_string(proto.port_value()),
                    "a number up to 65535");
    return std::nullopt;
  }
  return static_cast<uint16_t>(proto.port_value());
}

std::optional<net::Address> CompileIpAddress(const SocketAddress& proto, config::Errors& errors,
                                             const config::Path& path) {
  if (proto.protocol() != SocketAddress::TCP) {
    errors.AddValue(path.Field("protocol"), "UDP", "TCP");
    return std::nullopt;
  }
  return CompileDatagramAddress(proto, errors, path);
}

std::optional<net::Address> CompileDatagramAddress(const SocketAddress& proto,
                                                   config::Errors& errors,
                                                   const config::Path& path) {
  const std::optional<uint16_t> port = CompilePort(proto, errors, path);
  absl::StatusOr<net::Address> address = net::Address::FromIp(proto.address(), port.value_or(0));
  if (!address.ok()) {
    errors.AddValue(path.Field("address"), proto.address(),
                    "a numeric IPv4 or IPv6 address (names need a cluster of type STRICT_DNS or "
                    "LOGICAL_DNS)");
    return std::nullopt;
  }
  if (!port.has_value()) return std::nullopt;
  return *std::move(address);
}

std::optional<net::Address> CompilePipe(const Pipe& proto, config::Errors& errors,
                                        const config::Path& path) {
  absl::StatusOr<net::Address> address = net::Address::FromPath(proto.path());
  if (!address.ok()) {
    errors.Add(path.Field("path"), std::string(address.status().message()));
    return std::nullopt;
  }
  return *std::move(address);
}

net::Address CompileInternalAddress(const envoy::config::core::v3::EnvoyInternalAddress& proto) {
  return net::Address::Internal(proto.server_listener_name(), proto.endpoint_id());
}

}  // namespace proxenos::upstream
