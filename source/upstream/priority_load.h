// How requests are shared out among a cluster's priorities, from the health of each: Envoy's rules
// for overprovisioning, degraded hosts and panic, as one pure function.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace proxenos::upstream {

struct PriorityHealth {
  uint32_t hosts = 0;
  uint32_t healthy = 0;
  uint32_t degraded = 0;
  // Of those, with Policy.weighted_priority_health: they then decide on availability. Panic is
  // about numbers all the same, as in Envoy. A `weight` of 0: numbers decide on both.
  uint64_t weight = 0;
  uint64_t healthy_weight = 0;
  uint64_t degraded_weight = 0;
};

struct PriorityLoad {
  uint32_t healthy_percent = 0;   // Of all requests, to the healthy hosts of the priority.
  uint32_t degraded_percent = 0;  // To its degraded hosts.
  bool panic = false;             // Both go to all of its hosts, whatever their health.
};

// One element per priority. The percentages add up to 100, unless there is nothing to send to: no
// hosts, or none available and a threshold of 0; then they are all 0.
std::vector<PriorityLoad> SharePriorityLoad(absl::Span<const PriorityHealth> priorities,
                                            uint32_t overprovisioning_percent,
                                            uint32_t panic_threshold_percent);

}  // namespace proxenos::upstream
