// How a cluster's requests are spread over its hosts, besides what every policy shares: options of
// single policies, compiled from Cluster.*_lb_config and load_balancing_policies.
//
// Invariant: immutable once compiled.
#pragma once

#include <cstdint>

namespace proxenos::upstream {

enum class LbPolicy : uint8_t {
  kRoundRobin,
  kLeastRequest,
  kRandom,
  kRingHash,
  kMaglev,
  kPickFirst,
  kClusterProvided,  // The kind of the cluster says where a request goes.
};

// Of kRingHash and kMaglev.
struct HashOptions {
  enum class Function : uint8_t { kXxHash, kMurmur2 };

  bool ring = true;  // Else Maglev.
  Function function = Function::kXxHash;
  uint64_t min_ring_size = 1024;
  uint64_t max_ring_size = 8 * 1024 * 1024;
  uint64_t table_size = 65'537;  // Of Maglev: a prime.
  bool use_hostname = false;     // Else the address, or the endpoint's hash_key.
  // hash_balance_factor: what of the average load a host takes at most, in percent; 0: whatever
  // its share is.
  uint32_t balance_factor = 0;

  friend bool operator==(const HashOptions&, const HashOptions&) = default;
};

// Of kLeastRequest.
struct LeastRequestOptions {
  uint32_t choices = 2;  // Hosts that are drawn and compared; 0: all are compared (FULL_SCAN).
  // active_request_bias: how much requests under way count where weights differ; 0: not at all.
  float bias = 1;

  friend bool operator==(const LeastRequestOptions&, const LeastRequestOptions&) = default;
};

// LocalityLbConfig.ZoneAwareLbConfig; zone_routing.h.
struct ZoneAwareness {
  uint64_t min_cluster_size = 6;       // Healthy hosts; with fewer, zones play no part.
  uint32_t enabled_of_10000 = 10'000;  // routing_enabled
  uint32_t force_local_from = 0;       // So many hosts here get all; 0: by the shares alone.
  bool fail_traffic_on_panic = false;
  bool by_weight = false;  // locality_basis: by weights of hosts, else by their number.

  friend bool operator==(const ZoneAwareness&, const ZoneAwareness&) = default;
};

}  // namespace proxenos::upstream
