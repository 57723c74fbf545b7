// NetworkInput: what of a connection, or of datagrams, matchers look at:
// envoy.extensions.matching.common_inputs.network.v3.
#pragma once

#include <cstdint>

namespace proxenos::match {

enum class NetworkInput : uint8_t {
  kDestinationIp,
  kDestinationPort,
  kSourceIp,
  kSourcePort,
  kDirectSourceIp,
  kSourceType,  // "local", or nothing.
  kServerName,
  kTransportProtocol,
  kApplicationProtocols,  // Each in quotes: "'h2','http/1.1'".
};

}  // namespace proxenos::match
