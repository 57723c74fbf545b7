// Shares of zones, in parts of ten thousand as in Envoy.
#include "source/upstream/zone_routing.h"

#include <utility>

namespace proxenos::upstream {
namespace {

constexpr uint64_t kWhole = 10'000;

uint64_t Share(uint64_t part, uint64_t whole) { return whole == 0 ? 0 : kWhole * part / whole; }

}  // namespace

void LocalZones::Set(const HostSet& hosts) {
  Counts counts;
  for (const HostEntry& entry : hosts.entries()) {
    if (entry.priority != 0 || !entry.healthy()) continue;
    const Locality& locality = hosts.localities()[entry.locality];
    Zone* zone = nullptr;
    for (Zone& known : counts.zones) {
      if (known.locality == locality) zone = &known;
    }
    if (zone == nullptr) zone = &counts.zones.emplace_back(Zone{locality});
    ++zone->hosts;
    zone->weight += entry.weight;
    ++counts.hosts;
    counts.weight += entry.weight;
  }
  counts.panic =
      hosts.size() == 0 || hosts.healthy_count() * uint64_t{100} <
                               uint64_t{hosts.options().panic_threshold_percent} * (hosts.size());
  counts_.store(std::make_shared<const Counts>(std::move(counts)));
  version_.fetch_add(1, std::memory_order_release);
}

void ZoneRouting::Compute(const HostSet& hosts, const HostGroup& group,
                          const LocalZones::Counts& local) {
  mode_ = Mode::kOff;
  local_panic_ = local.panic;
  const std::vector<HostZone>& zones = group.zones;
  uint64_t all_hosts = 0;
  uint64_t all_weight = 0;
  std::optional<size_t> here;
  for (size_t i = 0; i < zones.size(); ++i) {
    all_hosts += zones[i].schedule.size();
    all_weight += zones[i].weight;
    if (hosts.localities()[zones[i].locality] == local_->here()) here = i;
  }
  if (zones.size() < 2 || !here.has_value() || zones[*here].schedule.size() == 0) return;
  if (all_hosts < options_.min_cluster_size) {
    stats_->lb_zone_cluster_too_small.Inc();
    return;
  }
  stats_->lb_recalculate_zone_structures.Inc();
  here_ = *here;
  const auto upstream_share = [&](size_t zone) {
    return options_.by_weight ? Share(zones[zone].weight, all_weight)
                              : Share(zones[zone].schedule.size(), all_hosts);
  };
  const auto local_share = [&](size_t zone) -> uint64_t {
    for (const LocalZones::Zone& each : local.zones) {
      if (!(each.locality == hosts.localities()[zones[zone].locality])) continue;
      return options_.by_weight ? Share(each.weight, local.weight) : Share(each.hosts, local.hosts);
    }
    return 0;
  };
  const uint64_t ours = local_share(here_);
  const bool forced =
      options_.force_local_from != 0 && zones[here_].schedule.size() >= options_.force_local_from;
  if (forced || upstream_share(here_) >= ours) {
    mode_ = Mode::kDirect;
    return;
  }
  mode_ = Mode::kShared;
  stay_ = kWhole * upstream_share(here_) / ours;
  capacity_.assign(zones.size(), 0);
  uint64_t sum = 0;
  for (size_t i = 0; i < zones.size(); ++i) {
    if (i != here_ && upstream_share(i) > local_share(i)) sum += upstream_share(i) - local_share(i);
    capacity_[i] = sum;
  }
}

ZoneRouting::Choice ZoneRouting::Choose(const HostSet& hosts, const HostGroup& group,
                                        base::Random& random) {
  // What is looked at is the version before: a change in between is seen at the next request.
  const uint64_t version = local_->version();
  if (version != version_) {
    Compute(hosts, group, *local_->counts());
    version_ = version;
  }
  if (mode_ == Mode::kOff) return {};
  if (options_.enabled_of_10000 < kWhole && random.Below(kWhole) >= options_.enabled_of_10000) {
    return {};
  }
  if (local_panic_) {
    stats_->lb_local_cluster_not_ok.Inc();
    return {options_.fail_traffic_on_panic ? Verdict::kFail : Verdict::kAnyZone};
  }
  if (mode_ == Mode::kDirect) {
    stats_->lb_zone_routing_all_directly.Inc();
    return {Verdict::kZone, here_};
  }
  if (random.Below(kWhole) < stay_) {
    stats_->lb_zone_routing_sampled.Inc();
    return {Verdict::kZone, here_};
  }
  stats_->lb_zone_routing_cross_zone.Inc();
  size_t zone = 0;
  if (capacity_.back() == 0) {
    stats_->lb_zone_no_capacity_left.Inc();
    zone = random.Below(capacity_.size());
  } else {
    const uint64_t at = random.Below(capacity_.back());
    while (capacity_[zone] <= at) ++zone;
  }
  // A zone that has no healthy host has no say.
  if (group.zones[zone].schedule.size() == 0) return {};
  return {Verdict::kZone, zone};
}

}  // namespace proxenos::upstream
