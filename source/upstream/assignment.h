// Assignment: the endpoints of one cluster as configuration or discovery gave them, and after name
// resolution if they are named: plain data, compiled from envoy.config.endpoint.v3.
//
// Invariant: immutable once published; every endpoint has an address or a DNS name, never both,
// and priorities start at 0 without gaps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/sparse.h"
#include "source/net/address.h"
#include "source/upstream/health_check.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// core.v3.Locality.
struct Locality {
  std::string region;
  std::string zone;
  std::string sub_zone;

  friend bool operator==(const Locality&, const Locality&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Locality& locality) {
    return H::combine(std::move(h), locality.region, locality.zone, locality.sub_zone);
  }
};

// LbEndpoint.health_status, as far as it matters to balancing. kUnhealthy stands for UNHEALTHY,
// DRAINING and TIMEOUT: members of the cluster, but chosen only in panic.
enum class EndpointHealth : uint8_t { kHealthy, kDegraded, kUnhealthy, kDraining, kTimeout };
// A state as a bit of a set of them.
constexpr uint8_t BitOf(EndpointHealth state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}
// CommonLbConfig.override_host_status where nothing is said.
inline constexpr uint8_t kDefaultOverrideStates =
    BitOf(EndpointHealth::kHealthy) | BitOf(EndpointHealth::kDegraded);

// One LbEndpoint.
struct Endpoint {
  net::Address address;  // Of family kNone while `dns_name` waits for an answer.
  std::string dns_name;  // STRICT_DNS and LOGICAL_DNS only.
  std::string hostname;  // Endpoint.hostname; for resolved ones the DNS name unless set.
  // Endpoint.additional_addresses; of LOGICAL_DNS: the rest of the answer. Connections try them
  // too.
  base::Sparse<std::vector<net::Address>> further;
  // What stays the same while the address changes (LOGICAL_DNS: "name:port"); else empty.
  std::string logical_name;
  FlatStruct transport_match;                  // envoy.transport_socket_match of its metadata.
  std::shared_ptr<const CheckTarget> check;    // Null: checked like it is used.
  std::shared_ptr<const FlatStruct> metadata;  // envoy.lb of its metadata; null when there is none.
  base::Sparse<std::string> all_metadata;      // Serialized; empty when there is none.
  uint32_t weight = 1;
  uint16_t dns_port = 0;
  EndpointHealth health = EndpointHealth::kHealthy;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One LocalityLbEndpoints.
struct LocalityEndpoints {
  Locality locality;
  std::vector<Endpoint> endpoints;
  uint32_t weight = 0;  // 0: not given. Used with locality_weighted_lb_config alone.
  uint32_t priority = 0;

  friend bool operator==(const LocalityEndpoints&, const LocalityEndpoints&) = default;
};

// Policy.DropOverload: how much of the traffic is refused before any host is asked.
struct DropOverload {
  std::string category;     // Named in load reports.
  uint32_t millionths = 0;  // 0: nothing is.

  friend bool operator==(const DropOverload&, const DropOverload&) = default;
};

struct Assignment {
  std::vector<LocalityEndpoints> localities;  // In the order of the configuration.
  uint32_t overprovisioning_percent = 140;    // Policy.overprovisioning_factor
  DropOverload drop_overload;                 // Policy.drop_overloads, of which there is one.
  base::Nanos stale_after = 0;                // Policy.endpoint_stale_after; 0: never.
  bool weighted_health = false;               // Policy.weighted_priority_health

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

}  // namespace proxenos::upstream
