// TransportSocket: what lies between a connection to a host and its HTTP, and which hosts get
// which: compiled from Cluster.transport_socket and transport_socket_matches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace proxenos::upstream {

enum class ProxyHeader : uint8_t { kNone, kV1, kV2 };

struct TransportSocket {
  static constexpr size_t kPlaintext = SIZE_MAX;

  size_t tls = kPlaintext;  // Index into ClusterConfig::tls.
  ProxyHeader proxy_header = ProxyHeader::kNone;
};

// The fields of a google.protobuf.Struct by rising name, each value serialized: equal bytes, equal
// values.
using FlatStruct = std::vector<std::pair<std::string, std::string>>;

// Whether every field of `wanted` is in `given`, with the same value.
bool Includes(const FlatStruct& given, const FlatStruct& wanted);

// The text in field `name`; empty when there is none, or it is of another kind.
std::string TextOf(const FlatStruct& fields, const std::string& name);

// Cluster.TransportSocketMatch
struct TransportSocketMatch {
  std::string name;
  FlatStruct match;  // Against envoy.transport_socket_match of an endpoint's metadata.
  TransportSocket socket;
};

}  // namespace proxenos::upstream
