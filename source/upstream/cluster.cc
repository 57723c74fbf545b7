// What follows from a cluster's configuration as a whole.
#include "source/upstream/cluster.h"

#include <algorithm>

namespace proxenos::upstream {

bool Includes(const FlatStruct& given, const FlatStruct& wanted) {
  return std::includes(given.begin(), given.end(), wanted.begin(), wanted.end());
}

std::string TextOf(const FlatStruct& fields, const std::string& name) {
  // google.protobuf.Value { string string_value = 3; }: a tag, a length, the text.
  constexpr char kStringTag = 0x1a;
  const auto found =
      std::lower_bound(fields.begin(), fields.end(), name,
                       [](const auto& field, const std::string& key) { return field.first < key; });
  if (found == fields.end() || found->first != name) return std::string();
  const std::string& bytes = found->second;
  if (bytes.size() < 2 || bytes[0] != kStringTag) return std::string();
  size_t at = 1;
  while (at < bytes.size() && (bytes[at] & 0x80) != 0) ++at;
  return bytes.substr(at + 1);
}

net::ProxyTlvs ProxyTlvRules::Apply(const net::ProxyTlvs& given) const {
  net::ProxyTlvs sent;
  for (const net::ProxyTlv& each : given) {
    const bool replaced = std::any_of(
        added.begin(), added.end(), [&each](const auto& other) { return other.type == each.type; });
    if (passes[each.type] && !replaced) sent.push_back(each);
  }
  sent.insert(sent.end(), added.begin(), added.end());
  return sent;
}

bool ClusterConfig::ConnectionsVary() const {
  // Those of an aggregate's clusters may.
  return protocol == HttpProtocol::kDownstream || auto_sni || auto_san_validation ||
         aggregated != nullptr || pool_per_client || SendsProxyHeader();
}

bool ClusterConfig::SendsProxyHeader() const {
  return AnySocket(
      [](const TransportSocket& socket) { return socket.proxy_header != ProxyHeader::kNone; });
}

bool ClusterConfig::PassesProxyTlvs() const {
  return AnySocket([](const TransportSocket& socket) {
    return socket.proxy_tlvs != nullptr && socket.proxy_tlvs->passes.any();
  });
}

bool ClusterConfig::AnySocket(bool (*has)(const TransportSocket& socket)) const {
  return has(transport_socket) || std::any_of(transport_matches.begin(), transport_matches.end(),
                                              [has](const auto& each) { return has(each.socket); });
}

const TransportSocket& ClusterConfig::SocketOf(const FlatStruct& of_host) const {
  for (const TransportSocketMatch& each : transport_matches) {
    if (Includes(of_host, each.match)) return each.socket;
  }
  return transport_socket;
}

}  // namespace proxenos::upstream
