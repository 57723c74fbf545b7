// The arithmetic is in whole percent, rounded down, as in Envoy: the shares are then the same.
#include "source/upstream/priority_load.h"

#include <algorithm>

#include "absl/numeric/int128.h"

namespace proxenos::upstream {
namespace {

// The availability that a part of a priority's hosts counts for.
uint32_t Availability(uint64_t part, uint64_t all, uint32_t overprovisioning_percent) {
  if (all == 0) return 0;
  const absl::uint128 percent = absl::uint128(overprovisioning_percent) * part / all;
  return static_cast<uint32_t>(std::min<absl::uint128>(100, percent));
}

// Everything is in panic: requests are spread by the number of hosts alone.
void ShareByHostCount(absl::Span<const PriorityHealth> priorities,
                      std::vector<PriorityLoad>& loads) {
  uint64_t all_hosts = 0;
  for (const PriorityHealth& priority : priorities) all_hosts += priority.hosts;
  uint32_t left = 100;
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i].degraded_percent = 0;
    loads[i].healthy_percent =
        static_cast<uint32_t>(100u * uint64_t{priorities[i].hosts} / all_hosts);
    left -= loads[i].healthy_percent;
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    if (priorities[i].hosts == 0) continue;
    loads[i].healthy_percent += left;  // What rounding left over goes to the first with hosts.
    return;
  }
}

// Gives each priority its part of what is left, best first. Returns what is left after that.
uint32_t Distribute(absl::Span<const uint32_t> availability, uint32_t total_availability,
                    uint32_t left, uint32_t PriorityLoad::*part, std::vector<PriorityLoad>& loads) {
  for (size_t i = 0; i < loads.size() && left > 0; ++i) {
    loads[i].*part = std::min(left, availability[i] * 100 / total_availability);
    left -= loads[i].*part;
  }
  return left;
}

// What rounding left over goes to the first priority with anything available.
void GiveRest(absl::Span<const uint32_t> healthy, absl::Span<const uint32_t> degraded,
              uint32_t left, std::vector<PriorityLoad>& loads) {
  for (size_t i = 0; i < loads.size(); ++i) {
    if (healthy[i] == 0) continue;
    loads[i].healthy_percent += left;
    return;
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    if (degraded[i] == 0) continue;
    loads[i].degraded_percent += left;
    return;
  }
}

// Marks the priorities in panic. Returns whether all of them are.
bool MarkPanic(absl::Span<const PriorityHealth> priorities, uint32_t threshold_percent,
               std::vector<PriorityLoad>& loads) {
  bool all = true;
  for (size_t i = 0; i < loads.size(); ++i) {
    const PriorityHealth& priority = priorities[i];
    const uint64_t available = uint64_t{priority.healthy} + priority.degraded;
    loads[i].panic = priority.hosts == 0
                         ? threshold_percent > 0
                         : available * 100 < uint64_t{threshold_percent} * priority.hosts;
    all = all && loads[i].panic;
  }
  return all;
}

}  // namespace

std::vector<PriorityLoad> SharePriorityLoad(absl::Span<const PriorityHealth> priorities,
                                            uint32_t overprovisioning_percent,
                                            uint32_t panic_threshold_percent) {
  std::vector<PriorityLoad> loads(priorities.size());
  std::vector<uint32_t> healthy(priorities.size());
  std::vector<uint32_t> degraded(priorities.size());
  uint32_t total = 0;
  bool any_host = false;
  for (size_t i = 0; i < priorities.size(); ++i) {
    const PriorityHealth& priority = priorities[i];
    const bool weighted = priority.weight > 0;
    const uint64_t all = weighted ? priority.weight : priority.hosts;
    healthy[i] = Availability(weighted ? priority.healthy_weight : priority.healthy, all,
                              overprovisioning_percent);
    degraded[i] = Availability(weighted ? priority.degraded_weight : priority.degraded, all,
                               overprovisioning_percent);
    total = std::min(100u, total + healthy[i] + degraded[i]);
    any_host = any_host || priority.hosts > 0;
  }
  if (!any_host) return loads;
  if (total > 0) {
    uint32_t left = Distribute(healthy, total, 100, &PriorityLoad::healthy_percent, loads);
    left = Distribute(degraded, total, left, &PriorityLoad::degraded_percent, loads);
    if (left > 0) GiveRest(healthy, degraded, left, loads);
  }
  // With enough available over all priorities there is no panic, however bad a single one is.
  if (total == 100) return loads;
  if (MarkPanic(priorities, panic_threshold_percent, loads)) ShareByHostCount(priorities, loads);
  return loads;
}

}  // namespace proxenos::upstream
