// What a dynamic forward proxy needs to know, compiled from
// envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig: plain data.
//
// Invariant: immutable once compiled. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/match/ip_range.h"
#include "source/net/address.h"
#include "source/upstream/cluster.h"
#include "source/upstream/dynamic_name.h"

namespace proxenos::upstream {

// type.matcher.v3.AddressMatcher, for the addresses that a name may not have.
struct AddressFilter {
  std::vector<match::IpRange> ranges;
  bool invert = false;  // All others.

  // An IPv4 address in the clothes of an IPv6 one (::ffff:10.0.0.1) is the IPv4 address: it leads
  // to the same host.
  bool Matches(const net::Address& address) const;
};

// DnsCacheConfig.
struct DnsCacheSettings {
  std::string name;
  std::string bytes;  // The whole message: equal bytes and names, one cache.

  DnsSettings dns;  // Of these: family, resolver, refresh_rate, failure_refresh_*.
  base::Nanos min_refresh_rate = 5 * base::kSecond;
  base::Nanos host_ttl = 300 * base::kSecond;
  base::Nanos query_timeout = 5 * base::kSecond;  // 0: the resolver's own alone.
  uint32_t max_hosts = 1024;
  uint32_t max_pending_requests = 1024;
  bool refresh_on_failure = true;
  std::vector<DynamicName> preresolved;
  AddressFilter removed;  // resolved_address_filter; without ranges nothing is removed.
};

struct DynamicForwardProxy {
  DnsCacheSettings cache;
  uint16_t default_port = 80;  // Of requests that name none; 443 where hosts are spoken TLS to.
};

}  // namespace proxenos::upstream
