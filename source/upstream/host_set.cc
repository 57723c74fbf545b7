// What a HostSet computes ahead: groups of hosts with their shares and weights.
#include "source/upstream/host_set.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/upstream/fractional_schedule.h"
#include "source/upstream/priority_load.h"
#include "source/upstream/subsets.h"

namespace proxenos::upstream {
namespace {

using Wanted = HostSet::Wanted;

bool Matches(const HostEntry& entry, Wanted wanted) {
  switch (wanted) {
    case Wanted::kHealthy:
      return entry.healthy();
    case Wanted::kDegraded:
      return entry.degraded();
    case Wanted::kAll:
      return true;
  }
  return false;
}

// What a host is hashed by, as in Envoy.
std::string HashKeyOf(const HostEntry& entry, bool use_hostname) {
  if (entry.metadata != nullptr) {
    const std::string key = TextOf(*entry.metadata, "hash_key");
    if (!key.empty()) return key;
  }
  return use_hostname ? entry.host->hostname() : entry.host->address().ToString();
}

using Localities = std::shared_ptr<const std::vector<Locality>>;

// Most clusters have one locality without a name; those of another set change less than its hosts.
Localities SharedLocalities(std::vector<Locality> localities, const Localities& previous) {
  static const Localities* const kNone =
      new Localities(std::make_shared<const std::vector<Locality>>());
  static const Localities* const kUnnamed =
      new Localities(std::make_shared<const std::vector<Locality>>(1));
  for (const Localities* known : {&previous, kNone, kUnnamed}) {
    if (*known != nullptr && **known == localities) return *known;
  }
  return std::make_shared<const std::vector<Locality>>(std::move(localities));
}

// Whether weights of localities count.
enum class ByLocality : uint8_t {
  kNo,
  kAvailable,  // In proportion to how much of the locality is usable.
  // As they are written: hash tables, as Envoy builds them, do not change more than the hosts do.
  kWritten,
};

// The hosts of one group, with what is needed to weigh them.
class GroupBuilder {
 public:
  GroupBuilder(absl::Span<const HostEntry> entries, absl::Span<const uint32_t> locality_weights,
               uint32_t overprovisioning_percent)
      : entries_(entries),
        locality_weights_(locality_weights),
        overprovisioning_(overprovisioning_percent / 100.0) {}

  // Hosts with their effective weights; none has a weight of 0.
  struct Weighed {
    std::vector<std::pair<HostIndex, double>> hosts;
    double sum = 0;
    bool whole = false;  // The weights are those of the endpoints themselves.

    void Add(HostIndex host, double weight) {
      hosts.emplace_back(host, weight);
      sum += weight;
    }
  };

  Weighed Weigh(uint8_t priority, Wanted wanted, ByLocality by_locality) const {
    std::vector<HostIndex> hosts;
    for (HostIndex i = 0; i < entries_.size(); ++i) {
      if (entries_[i].priority == priority && Matches(entries_[i], wanted)) hosts.push_back(i);
    }
    Weighed weighed;
    weighed.hosts.reserve(hosts.size());
    if (by_locality != ByLocality::kNo) {
      const std::vector<double> shares = LocalityShares(hosts, priority, by_locality);
      for (HostIndex index : shares.empty() ? std::vector<HostIndex>() : hosts) {
        const double weight = shares[entries_[index].locality] * entries_[index].weight;
        if (weight > 0) weighed.Add(index, weight);  // No weight, no requests.
      }
      if (!weighed.hosts.empty()) return weighed;
    }
    weighed.whole = true;
    for (HostIndex index : hosts) weighed.Add(index, entries_[index].weight);
    return weighed;
  }

  static Schedule ToSchedule(const Weighed& weighed) {
    if (!weighed.whole || weighed.sum > UINT32_MAX) return ScheduleInProportion(weighed.hosts);
    std::vector<Schedule::Member> members;
    members.reserve(weighed.hosts.size());
    for (const auto& [index, weight] : weighed.hosts) {
      members.push_back({index, static_cast<uint32_t>(weight)});
    }
    return Schedule(std::move(members));
  }

  std::vector<HashTable::Member> ToMembers(const Weighed& weighed, bool use_hostname) const {
    std::vector<HashTable::Member> members;
    members.reserve(weighed.hosts.size());
    for (const auto& [index, weight] : weighed.hosts) {
      members.push_back({index, weight, HashKeyOf(entries_[index], use_hostname)});
    }
    return members;
  }

 private:
  // The weight of each locality, perhaps scaled by how much of it is usable, per unit of host
  // weight. Empty when no locality with such hosts has a weight: the hosts are then weighed without
  // localities.
  std::vector<double> LocalityShares(absl::Span<const HostIndex> hosts, uint8_t priority,
                                     ByLocality how) const {
    std::vector<uint32_t> all(locality_weights_.size());
    std::vector<uint32_t> usable(locality_weights_.size());
    std::vector<double> usable_weight(locality_weights_.size());
    for (const HostEntry& entry : entries_) {
      if (entry.priority == priority) ++all[entry.locality];
    }
    for (HostIndex index : hosts) {
      ++usable[entries_[index].locality];
      usable_weight[entries_[index].locality] += entries_[index].weight;
    }
    std::vector<double> shares(locality_weights_.size());
    double sum = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      if (usable[i] == 0) continue;
      const double availability =
          how == ByLocality::kWritten ? 1.0 : std::min(1.0, overprovisioning_ * usable[i] / all[i]);
      shares[i] = locality_weights_[i] * availability / usable_weight[i];
      sum += shares[i];
    }
    if (sum == 0) shares.clear();
    return shares;
  }

  const absl::Span<const HostEntry> entries_;
  const absl::Span<const uint32_t> locality_weights_;
  const double overprovisioning_;
};

}  // namespace

bool HostEntry::healthy() const {
  const uint32_t bits = host->health_bits();
  return discovered == EndpointHealth::kHealthy &&
         (bits & (kFailedActiveCheck | kFailedOutlierCheck | kDegradedActiveCheck |
                  kDegradedOutlierCheck | kPendingActiveCheck)) == 0;
}

bool HostEntry::degraded() const {
  const uint32_t bits = host->health_bits();
  if ((bits & (kFailedActiveCheck | kFailedOutlierCheck | kPendingActiveCheck)) != 0) return false;
  return discovered == EndpointHealth::kDegraded ||
         (discovered == EndpointHealth::kHealthy &&
          (bits & (kDegradedActiveCheck | kDegradedOutlierCheck)) != 0);
}

bool HostEntry::excluded() const {
  // Hosts that leave say nothing about those that stay.
  return discovered == EndpointHealth::kDraining ||
         (host->health_bits() & (kPendingActiveCheck | kExcludedByItself)) != 0;
}

HostSet::HostSet() : localities_(SharedLocalities({}, nullptr)) {}

HostSet::HostSet(HostSetParts parts, const HostSet* previous)
    : entries_(std::move(parts.entries)),
      localities_(SharedLocalities(std::move(parts.localities),
                                   previous == nullptr ? nullptr : previous->localities_)),
      locality_weights_(std::move(parts.locality_weights)),
      overprovisioning_percent_(parts.overprovisioning_percent),
      options_(std::move(parts.options)),
      drop_overload_(std::move(parts.drop_overload)) {
  DCHECK(localities_->size() == locality_weights_.size());
  for (const HostEntry& entry : entries_) {
    priorities_ = std::max<uint32_t>(priorities_, entry.priority + 1u);
  }
  std::vector<PriorityHealth> health(priorities_);
  for (const HostEntry& entry : entries_) {
    DCHECK(entry.locality < localities_->size());
    PriorityHealth& priority = health[entry.priority];
    const uint32_t weight = options_.weighted_health ? entry.weight : 0;
    if (entry.excluded()) {
      ++excluded_;
    } else {
      ++priority.hosts;
      priority.weight += weight;
    }
    const bool healthy = entry.healthy();
    const bool degraded = entry.degraded();
    priority.healthy += healthy;
    priority.degraded += degraded;
    if (healthy) priority.healthy_weight += weight;
    if (degraded) priority.degraded_weight += weight;
  }
  for (const PriorityHealth& priority : health) {
    healthy_ += priority.healthy;
    degraded_ += priority.degraded;
  }

  MakeGroups(SharePriorityLoad(health, overprovisioning_percent_, options_.panic_threshold_percent),
             previous);
  if (options_.subsets != nullptr) subsets_ = std::make_shared<const Subsets>(*this, previous);
}

void HostSet::MakeGroups(const std::vector<PriorityLoad>& loads, const HostSet* previous) {
  uint32_t cumulative = 0;
  const auto add = [&](uint32_t priority, uint32_t percent, Wanted wanted) {
    if (!AddGroup(loads, priority, wanted, previous)) return;
    cumulative += percent;
    groups_.back().cumulative_percent = static_cast<uint8_t>(cumulative);
  };
  for (uint32_t i = 0; i < loads.size(); ++i) {
    if (loads[i].healthy_percent > 0) add(i, loads[i].healthy_percent, Wanted::kHealthy);
  }
  for (uint32_t i = 0; i < loads.size(); ++i) {
    if (loads[i].degraded_percent > 0) add(i, loads[i].degraded_percent, Wanted::kDegraded);
  }
  DCHECK(groups_.empty() || cumulative == 100);
  // Requests that were at all of these before (previous_priorities) go to the next in line.
  for (uint32_t i = 0; !groups_.empty() && loads.size() > 1 && i < loads.size(); ++i) {
    if (loads[i].healthy_percent == 0) add(i, 0, Wanted::kHealthy);
  }
  groups_.shrink_to_fit();
}

std::vector<HostZone> HostSet::ZonesOf(uint32_t priority) const {
  std::vector<HostZone> zones;
  std::vector<GroupBuilder::Weighed> weighed;
  for (HostIndex i = 0; i < entries_.size(); ++i) {
    const HostEntry& entry = entries_[i];
    if (entry.priority != priority) continue;
    const auto known = std::find_if(zones.begin(), zones.end(), [&](const HostZone& zone) {
      return zone.locality == entry.locality ||
             localities()[zone.locality] == localities()[entry.locality];
    });
    const size_t zone = static_cast<size_t>(known - zones.begin());
    if (known == zones.end()) {
      zones.emplace_back().locality = entry.locality;
      weighed.emplace_back().whole = true;
    }
    if (!entry.healthy()) continue;
    zones[zone].weight += entry.weight;
    weighed[zone].Add(i, entry.weight);
  }
  for (size_t i = 0; i < zones.size(); ++i) {
    if (!weighed[i].hosts.empty()) zones[i].schedule = GroupBuilder::ToSchedule(weighed[i]);
  }
  return zones;
}

// False: there is nobody in it.
bool HostSet::AddGroup(const std::vector<PriorityLoad>& loads, uint32_t priority, Wanted wanted,
                       const HostSet* previous) {
  const GroupBuilder builder(entries_, locality_weights_, overprovisioning_percent_);
  const bool panic = loads[priority].panic;
  ByLocality by_locality = ByLocality::kNo;
  if (options_.locality_weighted && options_.hashing) {
    by_locality = ByLocality::kWritten;
  } else if (options_.locality_weighted && !panic) {
    by_locality = ByLocality::kAvailable;
  }
  const GroupBuilder::Weighed weighed =
      builder.Weigh(static_cast<uint8_t>(priority), panic ? Wanted::kAll : wanted, by_locality);
  if (weighed.hosts.empty()) return false;
  HostGroup group;
  group.schedule = GroupBuilder::ToSchedule(weighed);
  group.priority = static_cast<uint8_t>(priority);
  group.degraded = wanted == Wanted::kDegraded;
  group.panic = panic;
  if (options_.hashing.has_value()) {
    group.table = TableOf(builder.ToMembers(weighed, options_.hashing->use_hostname), previous);
  }
  if (options_.by_zone && priority == 0 && wanted == Wanted::kHealthy && !panic) {
    group.zones = ZonesOf(priority);
  }
  groups_.push_back(std::move(group));
  return true;
}

std::shared_ptr<const HashTable> HostSet::TableOf(std::vector<HashTable::Member> members,
                                                  const HostSet* previous) const {
  if (previous != nullptr) {
    for (const HostGroup& group : previous->groups_) {
      if (group.table != nullptr && group.table->BuiltOf(*options_.hashing, members)) {
        return group.table;
      }
    }
  }
  return std::make_shared<const HashTable>(*options_.hashing, std::move(members));
}

}  // namespace proxenos::upstream
