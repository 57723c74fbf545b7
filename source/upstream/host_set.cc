// What a HostSet computes ahead: groups of hosts with their shares and weights.
#include "source/upstream/host_set.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "source/base/check.h"
#include "source/upstream/priority_load.h"

namespace proxenos::upstream {
namespace {

// Effective weights are fractions made whole. With this sum they are exact to a millionth and fit a
// ring of 32 bits with room for rounding up.
constexpr double kWeightRing = 1u << 30;

enum class Wanted : uint8_t { kHealthy, kDegraded, kAll };

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

// The hosts of one group, with what is needed to weigh them.
class GroupBuilder {
 public:
  GroupBuilder(absl::Span<const HostEntry> entries, absl::Span<const uint32_t> locality_weights,
               uint32_t overprovisioning_percent)
      : entries_(entries),
        locality_weights_(locality_weights),
        overprovisioning_(overprovisioning_percent / 100.0) {}

  // `by_locality`: weights of localities count (not in panic).
  Schedule Build(uint8_t priority, Wanted wanted, bool by_locality) const {
    std::vector<HostIndex> hosts;
    for (HostIndex i = 0; i < entries_.size(); ++i) {
      if (entries_[i].priority == priority && Matches(entries_[i], wanted)) hosts.push_back(i);
    }
    if (by_locality) {
      const std::vector<double> shares = LocalityShares(hosts, priority);
      if (!shares.empty()) return FromShares(hosts, shares);
    }
    return FromWeights(hosts);
  }

 private:
  // The weight of each locality scaled by how much of it is usable, per unit of host weight. Empty
  // when no locality with such hosts has a weight: the hosts are then weighed without localities.
  std::vector<double> LocalityShares(absl::Span<const HostIndex> hosts, uint8_t priority) const {
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
      const double availability = std::min(1.0, overprovisioning_ * usable[i] / all[i]);
      shares[i] = locality_weights_[i] * availability / usable_weight[i];
      sum += shares[i];
    }
    if (sum == 0) shares.clear();
    return shares;
  }

  Schedule FromShares(absl::Span<const HostIndex> hosts, const std::vector<double>& shares) const {
    std::vector<std::pair<HostIndex, double>> weighed;
    for (HostIndex index : hosts) {
      const double weight = shares[entries_[index].locality] * entries_[index].weight;
      if (weight > 0) weighed.emplace_back(index, weight);  // No weight, no requests.
    }
    return Scaled(weighed);
  }

  Schedule FromWeights(absl::Span<const HostIndex> hosts) const {
    uint64_t sum = 0;
    for (HostIndex index : hosts) sum += entries_[index].weight;
    if (sum > UINT32_MAX) {
      std::vector<std::pair<HostIndex, double>> weighed;
      for (HostIndex index : hosts) weighed.emplace_back(index, entries_[index].weight);
      return Scaled(weighed);
    }
    std::vector<Schedule::Member> members;
    members.reserve(hosts.size());
    for (HostIndex index : hosts) members.push_back({index, entries_[index].weight});
    return Schedule(std::move(members));
  }

  static Schedule Scaled(const std::vector<std::pair<HostIndex, double>>& weighed) {
    double sum = 0;
    double least = 0;
    for (const auto& [index, weight] : weighed) {
      sum += weight;
      least = least == 0 ? weight : std::min(least, weight);
    }
    // Small whole ratios stay small whole numbers: turns then repeat soon.
    const auto whole = [least](double weight) {
      return std::abs(weight / least - std::round(weight / least)) < 1e-9;
    };
    const bool exact =
        sum / least < kWeightRing &&
        std::all_of(weighed.begin(), weighed.end(), [&](const auto& w) { return whole(w.second); });
    const double scale = exact ? 1 / least : kWeightRing / sum;
    std::vector<Schedule::Member> members;
    members.reserve(weighed.size());
    for (const auto& [index, weight] : weighed) {
      const double scaled = std::max(1.0, std::round(weight * scale));
      members.push_back({index, static_cast<uint32_t>(scaled)});
    }
    return Schedule(std::move(members));
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
                  kPendingActiveCheck)) == 0;
}

bool HostEntry::degraded() const {
  const uint32_t bits = host->health_bits();
  if ((bits & (kFailedActiveCheck | kFailedOutlierCheck | kPendingActiveCheck)) != 0) return false;
  return discovered == EndpointHealth::kDegraded ||
         (discovered == EndpointHealth::kHealthy && (bits & kDegradedActiveCheck) != 0);
}

HostSet::HostSet(std::vector<HostEntry> entries, std::vector<Locality> localities,
                 std::vector<uint32_t> locality_weights, uint32_t overprovisioning_percent,
                 HostSetOptions options)
    : entries_(std::move(entries)),
      localities_(std::move(localities)),
      locality_weights_(std::move(locality_weights)),
      overprovisioning_percent_(overprovisioning_percent),
      options_(options) {
  DCHECK(localities_.size() == locality_weights_.size());
  for (const HostEntry& entry : entries_) {
    priorities_ = std::max<uint32_t>(priorities_, entry.priority + 1u);
  }
  std::vector<PriorityHealth> health(priorities_);
  for (const HostEntry& entry : entries_) {
    DCHECK(entry.locality < localities_.size());
    ++health[entry.priority].hosts;
    health[entry.priority].healthy += entry.healthy();
    health[entry.priority].degraded += entry.degraded();
  }
  for (const PriorityHealth& priority : health) {
    healthy_ += priority.healthy;
    degraded_ += priority.degraded;
  }

  const std::vector<PriorityLoad> loads =
      SharePriorityLoad(health, overprovisioning_percent, options.panic_threshold_percent);
  const GroupBuilder builder(entries_, locality_weights_, overprovisioning_percent);
  uint32_t cumulative = 0;
  const auto add = [&](uint32_t priority, uint32_t percent, Wanted wanted) {
    if (percent == 0) return;
    const bool panic = loads[priority].panic;
    HostGroup group;
    group.schedule = builder.Build(static_cast<uint8_t>(priority), panic ? Wanted::kAll : wanted,
                                   options.locality_weighted && !panic);
    if (group.schedule.size() == 0) return;
    cumulative += percent;
    group.priority = static_cast<uint8_t>(priority);
    group.cumulative_percent = static_cast<uint8_t>(cumulative);
    group.degraded = wanted == Wanted::kDegraded;
    group.panic = panic;
    groups_.push_back(std::move(group));
  };
  for (uint32_t i = 0; i < loads.size(); ++i) add(i, loads[i].healthy_percent, Wanted::kHealthy);
  for (uint32_t i = 0; i < loads.size(); ++i) add(i, loads[i].degraded_percent, Wanted::kDegraded);
  groups_.shrink_to_fit();
  DCHECK(groups_.empty() || cumulative == 100);
}

}  // namespace proxenos::upstream
