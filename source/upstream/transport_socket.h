// TransportSocket: what lies between a connection to a host and its HTTP, and which hosts get
// which: compiled from Cluster.transport_socket and transport_socket_matches.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/net/proxy_tlv.h"

namespace proxenos::upstream {

enum class ProxyHeader : uint8_t { kNone, kV1, kV2 };

// Of ProxyProtocolConfig: the TLVs that a header of version 2 has.
struct ProxyTlvRules {
  std::bitset<256> passes;  // pass_through_tlvs, by type: those that came from the client.
  net::ProxyTlvs added;     // added_tlvs, which take the place of those of the same type.

  // What is sent for a client whose own were `given`.
  net::ProxyTlvs Apply(const net::ProxyTlvs& given) const;
};

// What a cluster adds at most: with the client's own, which a header of 16 KiB at most brought, it
// fits behind the longest addresses.
inline constexpr size_t kMaxAddedTlvBytes = 40 * 1024;
// What a TLV takes in a header.
inline size_t SizeOf(const net::ProxyTlv& tlv) { return 3 + tlv.value.size(); }

struct TransportSocket {
  static constexpr size_t kPlaintext = SIZE_MAX;

  size_t tls = kPlaintext;  // Index into ClusterConfig::tls.
  ProxyHeader proxy_header = ProxyHeader::kNone;
  std::shared_ptr<const ProxyTlvRules> proxy_tlvs = nullptr;  // Of version 2; null: it has none.
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
