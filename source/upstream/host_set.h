// HostSet: an immutable snapshot of a cluster's hosts, with all that balancing needs computed ahead
// on the main thread: priority loads, panic, effective weights. A worker that takes a new snapshot
// does O(1) work.
//
// Hosts have dense indexes 0..size()-1, good for this snapshot only: per-worker state is an array.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "source/upstream/assignment.h"
#include "source/upstream/host.h"
#include "source/upstream/schedule.h"

namespace proxenos::upstream {

using HostIndex = uint32_t;
inline constexpr HostIndex kNoHost = UINT32_MAX;

// One host's place in one snapshot.
struct HostEntry {
  std::shared_ptr<const Host> host;
  uint32_t weight = 1;
  uint16_t locality = 0;  // Index into HostSet::localities().
  uint8_t priority = 0;
  EndpointHealth discovered = EndpointHealth::kHealthy;  // What discovery said.

  bool healthy() const;
  bool degraded() const;
};

// Some of the hosts that one pick chooses among: those of one priority and availability.
struct HostGroup {
  Schedule schedule;
  uint8_t priority = 0;
  // The share of requests, in percent, for this group and all before it. The last one has 100.
  uint8_t cumulative_percent = 100;
  bool degraded = false;  // The hosts are degraded ones.
  bool panic = false;     // Too few hosts are available: all hosts of the priority are used.
};

// What of a cluster's configuration shapes its HostSets.
struct HostSetOptions {
  uint8_t panic_threshold_percent = 50;
  bool locality_weighted = false;

  friend bool operator==(const HostSetOptions&, const HostSetOptions&) = default;
};

// Thread: any; made on the main thread.
class HostSet {
 public:
  // An empty one, from which no host can be picked.
  HostSet() = default;
  HostSet(std::vector<HostEntry> entries, std::vector<Locality> localities,
          std::vector<uint32_t> locality_weights, uint32_t overprovisioning_percent,
          HostSetOptions options);

  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  const HostEntry& entry(HostIndex index) const { return entries_[index]; }
  const Host& host(HostIndex index) const { return *entries_[index].host; }
  const std::shared_ptr<const Host>& shared_host(HostIndex index) const {
    return entries_[index].host;
  }
  absl::Span<const HostEntry> entries() const { return entries_; }
  const Locality& locality(HostIndex index) const { return localities_[entries_[index].locality]; }
  const std::vector<Locality>& localities() const { return localities_; }
  // Of localities()[i] with priority: LocalityLbEndpoints.load_balancing_weight, 0 when not given.
  const std::vector<uint32_t>& locality_weights() const { return locality_weights_; }

  // membership_total is size().
  uint32_t healthy_count() const { return healthy_; }
  uint32_t degraded_count() const { return degraded_; }
  uint32_t priority_count() const { return priorities_; }

  uint32_t overprovisioning_percent() const { return overprovisioning_percent_; }
  const HostSetOptions& options() const { return options_; }

  // In the order of cumulative_percent; empty when no request can be served.
  absl::Span<const HostGroup> groups() const { return groups_; }

 private:
  std::vector<HostEntry> entries_;
  std::vector<Locality> localities_;
  std::vector<uint32_t> locality_weights_;
  std::vector<HostGroup> groups_;
  uint32_t healthy_ = 0;
  uint32_t degraded_ = 0;
  uint32_t priorities_ = 0;
  uint32_t overprovisioning_percent_ = 140;
  HostSetOptions options_;
};

}  // namespace proxenos::upstream
