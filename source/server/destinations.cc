// The table of addresses.
#include "source/server/destinations.h"

#include "source/net/datagram.h"

namespace proxenos::server {
namespace {

net::Address AnyAddress(net::Address::Family family, uint16_t port) {
  return *net::Address::FromIp(family == net::Address::Family::kIpv4 ? "0.0.0.0" : "::", port);
}

}  // namespace

void Destinations::Add(const downstream::ListenerConfig& listener) {
  if (listener.datagrams != nullptr) return;
  for (const net::Address& address : listener.addresses) {
    names_[address] = &listener.name;
    if (listener.listen.ipv4_compat && address.family() == net::Address::Family::kIpv6 &&
        net::IsAnyAddress(address)) {
      // One that is for IPv4 alone comes first, whichever is added first.
      names_.try_emplace(AnyAddress(net::Address::Family::kIpv4, address.port()), &listener.name);
    }
  }
}

const std::string* Destinations::Find(const net::Address& destination) const {
  auto found = names_.find(destination);
  if (found == names_.end() && destination.is_ip()) {
    found = names_.find(AnyAddress(destination.family(), destination.port()));
  }
  return found == names_.end() ? nullptr : found->second;
}

}  // namespace proxenos::server
