// From envoy.config.core.v3.SocketOption to net::SocketOption.
#pragma once

#include <vector>

#include "envoy/config/core/v3/socket_option.pb.h"
#include "source/net/socket.h"

namespace proxenos::upstream {

// Options of stream sockets; those of datagram sockets are left out.
std::vector<net::SocketOption> CompileSocketOptions(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::SocketOption>& protos);

}  // namespace proxenos::upstream
