// From a listener whose address is one of UDP to what it does with datagrams.
#pragma once

#include <memory>
#include <optional>

#include "source/downstream/datagram_service.h"
#include "source/downstream/listener_config.h"

namespace proxenos::downstream {

// Null where it takes connections. Where it is wrong, every error is named and the result has no
// terminal.
std::shared_ptr<const DatagramConfig> CompileDatagrams(
    const envoy::config::listener::v3::Listener& proto, const ListenerCompiler& compiler,
    const config::Path& path, config::Errors& errors);

// One of its addresses.
std::optional<net::Address> CompileDatagramListenAddress(
    const envoy::config::core::v3::Address& proto, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::downstream
