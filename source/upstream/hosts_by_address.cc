// Building and looking up.
#include "source/upstream/hosts_by_address.h"

namespace proxenos::upstream {

HostsByAddress::HostsByAddress(const HostSet& hosts) {
  indexes_.reserve(hosts.size());
  // An address that stands in several priorities is the host of the best one.
  for (HostIndex i = 0; i < hosts.size(); ++i) {
    const auto [known, added] = indexes_.emplace(hosts.host(i).address(), i);
    if (!added && hosts.entry(i).priority < hosts.entry(known->second).priority) {
      known->second = i;
    }
  }
}

HostIndex HostsByAddress::Find(const net::Address& address) const {
  const auto known = indexes_.find(address);
  return known == indexes_.end() ? kNoHost : known->second;
}

}  // namespace proxenos::upstream
