// From envoy.config.core.v3 addresses to net::Address.
#pragma once

#include <optional>

#include "envoy/config/core/v3/address.pb.h"
#include "source/config/errors.h"
#include "source/net/address.h"

namespace proxenos::upstream {

// A TCP address with a numeric IP and a port number. Nothing, and an error, when it is not.
std::optional<net::Address> CompileIpAddress(const envoy::config::core::v3::SocketAddress& proto,
                                             config::Errors& errors, const config::Path& path);

// The same, for datagrams: `protocol` may be either, as in Envoy.
std::optional<net::Address> CompileDatagramAddress(
    const envoy::config::core::v3::SocketAddress& proto, config::Errors& errors,
    const config::Path& path);

// A Unix socket.
std::optional<net::Address> CompilePipe(const envoy::config::core::v3::Pipe& proto,
                                        config::Errors& errors, const config::Path& path);

// A listener inside this process.
net::Address CompileInternalAddress(const envoy::config::core::v3::EnvoyInternalAddress& proto);

// The port of a socket address, which must be a number.
std::optional<uint16_t> CompilePort(const envoy::config::core::v3::SocketAddress& proto,
                                    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
