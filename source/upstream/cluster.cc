// What follows from a cluster's configuration as a whole.
#include "source/upstream/cluster.h"

#include <algorithm>

namespace proxenos::upstream {

bool Includes(const FlatStruct& given, const FlatStruct& wanted) {
  return std::includes(given.begin(), given.end(), wanted.begin(), wanted.end());
}

bool ClusterConfig::ConnectionsVary() const {
  return protocol == HttpProtocol::kDownstream || auto_sni || auto_san_validation ||
         SendsProxyHeader();
}

bool ClusterConfig::SendsProxyHeader() const {
  return transport_socket.proxy_header != ProxyHeader::kNone ||
         std::any_of(transport_matches.begin(), transport_matches.end(), [](const auto& each) {
           return each.socket.proxy_header != ProxyHeader::kNone;
         });
}

const TransportSocket& ClusterConfig::SocketOf(const FlatStruct& metadata) const {
  for (const TransportSocketMatch& each : transport_matches) {
    if (Includes(metadata, each.match)) return each.socket;
  }
  return transport_socket;
}

}  // namespace proxenos::upstream
