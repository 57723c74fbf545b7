// HostSet: an immutable snapshot of a cluster's hosts, with all that balancing needs computed ahead
// on the main thread: priority loads, panic, effective weights. A worker that takes a new snapshot
// does O(1) work.
//
// Hosts have dense indexes 0..size()-1, good for this snapshot only: per-worker state is an array.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "source/upstream/assignment.h"
#include "source/upstream/balancing.h"
#include "source/upstream/hash_table.h"
#include "source/upstream/host.h"
#include "source/upstream/priority_load.h"
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
  // envoy.lb of the endpoint's metadata; null when it has none.
  std::shared_ptr<const FlatStruct> metadata = nullptr;

  bool healthy() const;
  bool degraded() const;
  // Counts neither for nor against the cluster's health.
  bool excluded() const;
};

// The hosts of a group in one locality.
struct HostZone {
  uint16_t locality = 0;  // The first of that name in HostSet::localities().
  uint64_t weight = 0;    // Of its hosts together.
  Schedule schedule;      // Empty: none of its hosts is healthy.
};

// Some of the hosts that one pick chooses among: those of one priority and availability.
struct HostGroup {
  Schedule schedule;
  std::shared_ptr<const HashTable> table = nullptr;  // Of hashing policies; over the same hosts.
  uint8_t priority = 0;
  // The share of requests, in percent, for this group and all before it. Groups behind the first
  // that has 100 are for requests that avoid the others.
  uint8_t cumulative_percent = 100;
  bool degraded = false;  // The hosts are degraded ones.
  bool panic = false;     // Too few hosts are available: all hosts of the priority are used.
  std::vector<HostZone> zones = {};  // Of priority 0, out of panic, with HostSetOptions::by_zone.
};

struct SubsetRules;
class Subsets;

// What of a cluster's configuration shapes its HostSets.
struct HostSetOptions {
  uint8_t panic_threshold_percent = 50;
  bool locality_weighted = false;
  bool by_zone = false;                               // Requests may keep to one locality.
  bool weighted_health = false;                       // Policy.weighted_priority_health
  std::optional<HashOptions> hashing = std::nullopt;  // Of policies that hash.
  std::shared_ptr<const SubsetRules> subsets = nullptr;

  friend bool operator==(const HostSetOptions&, const HostSetOptions&) = default;
};

// What a HostSet is made of.
struct HostSetParts {
  std::vector<HostEntry> entries;
  std::vector<Locality> localities;
  std::vector<uint32_t> locality_weights;
  uint32_t overprovisioning_percent = 140;
  HostSetOptions options;
  std::shared_ptr<const DropOverload> drop_overload = nullptr;
};

// Thread: any; made on the main thread.
class HostSet {
 public:
  // An empty one, from which no host can be picked.
  HostSet();
  // Hash tables of `previous` (may be null) are used again where they would be the same.
  explicit HostSet(HostSetParts parts, const HostSet* previous = nullptr);

  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  const HostEntry& entry(HostIndex index) const { return entries_[index]; }
  const Host& host(HostIndex index) const { return *entries_[index].host; }
  const std::shared_ptr<const Host>& shared_host(HostIndex index) const {
    return entries_[index].host;
  }
  absl::Span<const HostEntry> entries() const { return entries_; }
  const Locality& locality(HostIndex index) const {
    return (*localities_)[entries_[index].locality];
  }
  const std::vector<Locality>& localities() const { return *localities_; }
  // Of localities()[i] with priority: LocalityLbEndpoints.load_balancing_weight, 0 when not given.
  const std::vector<uint32_t>& locality_weights() const { return locality_weights_; }

  // membership_total is size().
  uint32_t healthy_count() const { return healthy_; }
  uint32_t degraded_count() const { return degraded_; }
  uint32_t excluded_count() const { return excluded_; }
  uint32_t priority_count() const { return priorities_; }

  uint32_t overprovisioning_percent() const { return overprovisioning_percent_; }
  const HostSetOptions& options() const { return options_; }
  // Null where no request is dropped.
  const std::shared_ptr<const DropOverload>& drop_overload() const { return drop_overload_; }

  // In the order of cumulative_percent; empty when no request can be served.
  absl::Span<const HostGroup> groups() const { return groups_; }
  // Null where hosts are not told apart (subsets.h).
  const Subsets* subsets() const { return subsets_.get(); }

  enum class Wanted : uint8_t { kHealthy, kDegraded, kAll };

 private:
  void MakeGroups(const std::vector<PriorityLoad>& loads, const HostSet* previous);
  std::vector<HostZone> ZonesOf(uint32_t priority) const;
  bool AddGroup(const std::vector<PriorityLoad>& loads, uint32_t priority, Wanted wanted,
                const HostSet* previous);
  std::shared_ptr<const HashTable> TableOf(std::vector<HashTable::Member> members,
                                           const HostSet* previous) const;

  std::vector<HostEntry> entries_;
  std::shared_ptr<const std::vector<Locality>> localities_;  // Of most sets: one without a name.
  std::vector<uint32_t> locality_weights_;
  std::vector<HostGroup> groups_;
  std::shared_ptr<const Subsets> subsets_;
  uint32_t healthy_ = 0;
  uint32_t degraded_ = 0;
  uint32_t excluded_ = 0;
  uint32_t priorities_ = 0;
  uint32_t overprovisioning_percent_ = 140;
  HostSetOptions options_;
  std::shared_ptr<const DropOverload> drop_overload_;
};

}  // namespace proxenos::upstream
