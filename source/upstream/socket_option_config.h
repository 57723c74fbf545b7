// From envoy.config.core.v3.SocketOption to net::SocketOption.
#pragma once

#include <cstdint>
#include <vector>

#include "envoy/config/core/v3/socket_option.pb.h"
#include "source/net/socket.h"

namespace proxenos::upstream {

enum class SocketKind : uint8_t { kStream, kDatagram };

// Options of sockets of that kind; those of the other are left out.
std::vector<net::SocketOption> CompileSocketOptions(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::SocketOption>& protos,
    SocketKind kind = SocketKind::kStream);

}  // namespace proxenos::upstream
