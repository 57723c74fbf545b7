// Choosing of groups, and the balancers.
#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/upstream/bounded_hash.h"
#include "source/upstream/least_pick.h"

namespace proxenos::upstream {
namespace {

// The group of a priority that somebody else has chosen (an aggregate cluster). One of it with
// other hosts where there is none with those; groups.size() where nobody is in it.
size_t GroupOf(absl::Span<const HostGroup> groups, uint8_t priority, bool degraded) {
  size_t found = groups.size();
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].priority != priority) continue;
    if (groups[i].degraded == degraded) return i;
    found = std::min(found, i);
  }
  return found;
}

}  // namespace

void LoadBalancer::Update(const HostSet& hosts, base::Random& random) {
  hosts_ = &hosts;
  if (zones_ != nullptr) zones_->Update();
  OnUpdate(random);
}

Choice LoadBalancer::Pick(const PickRequest& request, base::Random& random) {
  if (hosts_ == nullptr || hosts_->groups().empty()) return Choice{};
  // As in Envoy a hash decides on the priority too, so that it leads to the same host each time.
  const uint64_t hash = request.hash.has_value() ? *request.hash : random.Next();
  size_t group = request.avoided_priorities == 0
                     ? PickGroup(hash % 100)
                     : PickOtherGroup(request.avoided_priorities, hash % 100);
  if (request.only_priority != PickRequest::kAnyPriority) {
    group = GroupOf(hosts_->groups(), request.only_priority, request.only_degraded);
    if (group == hosts_->groups().size()) return Choice{};
  }
  Draw draw{group, hash, 0, &hosts_->groups()[group].schedule, group};
  Choice choice{PickOnce(draw, random), hosts_->groups()[group].panic};
  if (!request.picky() || !choice) return choice;
  for (uint32_t attempt = 1; attempt < request.attempts && Avoids(request, choice.host);
       ++attempt) {
    draw.attempt = attempt;
    const HostIndex other = PickOnce(draw, random);
    if (other != kNoHost) choice.host = other;
  }
  return choice;
}

HostIndex LoadBalancer::PickOnce(Draw draw, base::Random& random) {
  const HostGroup& group = hosts_->groups()[draw.group];
  if (zones_ != nullptr && !zones_->Allows(group)) return kNoHost;
  if (zones_ == nullptr || group.zones.empty()) return PickIn(draw, random);
  const ZoneRouting::Choice choice = zones_->Choose(*hosts_, group, random);
  if (choice.verdict == ZoneRouting::Verdict::kFail) return kNoHost;
  if (choice.verdict == ZoneRouting::Verdict::kZone) {
    draw.schedule = &group.zones[choice.zone].schedule;
    draw.turns = hosts_->groups().size() + choice.zone;
  }
  return PickIn(draw, random);
}

size_t LoadBalancer::turn_count() const {
  size_t count = hosts_->groups().size();
  for (const HostGroup& group : hosts_->groups()) count += group.zones.size();
  return count;
}

const Schedule& LoadBalancer::TurnsOf(size_t turns) const {
  const absl::Span<const HostGroup> groups = hosts_->groups();
  if (turns < groups.size()) return groups[turns].schedule;
  const auto with_zones = std::find_if(groups.begin(), groups.end(),
                                       [](const HostGroup& group) { return !group.zones.empty(); });
  return with_zones->zones[turns - groups.size()].schedule;
}

bool LoadBalancer::Avoids(const PickRequest& request, HostIndex index) const {
  const HostEntry& entry = hosts_->entry(index);
  if (std::find(request.avoided.begin(), request.avoided.end(), entry.host.get()) !=
      request.avoided.end()) {
    return true;
  }
  return request.avoided_metadata != nullptr && entry.metadata != nullptr &&
         Includes(*entry.metadata, *request.avoided_metadata);
}

size_t LoadBalancer::PickGroup(uint64_t percent) const {
  const absl::Span<const HostGroup> groups = hosts_->groups();
  size_t group = 0;
  while (groups[group].cumulative_percent <= percent) ++group;  // Some one has 100.
  return group;
}

size_t LoadBalancer::PickOtherGroup(uint64_t avoided, uint64_t percent) const {
  const absl::Span<const HostGroup> groups = hosts_->groups();
  const auto avoids = [avoided](const HostGroup& group) {
    return group.priority < 64 && (avoided >> group.priority & 1) != 0;
  };
  if (!avoids(groups[PickGroup(percent)])) return PickGroup(percent);
  // The best priority that is left; healthy hosts stand before degraded ones.
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!avoids(groups[i])) return i;
  }
  return PickGroup(percent);
}

void RoundRobin::OnUpdate(base::Random& random) {
  cursors_.clear();
  for (size_t i = 0; i < turn_count(); ++i) {
    const uint32_t total = TurnsOf(i).total();
    cursors_.push_back(total == 0 ? 0 : static_cast<uint32_t>(random.Below(total)));
  }
}

HostIndex RoundRobin::PickIn(const Draw& draw, base::Random&) {
  return draw.schedule->Turn(cursors_[draw.turns]);
}

LeastRequest::LeastRequest(const LeastRequestOptions& options, ActiveRequests active)
    : options_(options), active_(std::move(active)) {}

HostIndex LeastRequest::PickIn(const Draw& draw, base::Random& random) {
  const auto weight = [this](HostIndex host) {
    return static_cast<double>(hosts().entry(host).weight);
  };
  return LeastPick(options_, active_, weight).Pick(*draw.schedule, random);
}

HostIndex RandomChoice::PickIn(const Draw& draw, base::Random& random) {
  return draw.schedule->DrawUniform(random);
}

HostIndex HashChoice::PickIn(const Draw& draw, base::Random&) {
  return hosts().groups()[draw.group].table->Pick(draw.hash, draw.attempt);
}

HostIndex FirstChoice::PickIn(const Draw& draw, base::Random&) {
  return draw.schedule->HostOfMember(draw.attempt % draw.schedule->size());
}

namespace {

// RANDOM where localities have weights: those of hosts are then parts of their locality's.
class RandomByLocality final : public LoadBalancer {
 private:
  HostIndex PickIn(const Draw& draw, base::Random& random) override {
    return draw.schedule->Draw(random);
  }
};

}  // namespace

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, ActiveRequests active) {
  switch (config.lb_policy) {
    case LbPolicy::kRoundRobin:
    case LbPolicy::kClusterProvided:  // Asked only where the cluster itself has nothing to say.
      return std::make_unique<RoundRobin>();
    case LbPolicy::kLeastRequest:
      return std::make_unique<LeastRequest>(config.least_request, std::move(active));
    case LbPolicy::kRandom:
      // Subsets have turns of their own, without the weights of localities by default.
      if (config.locality_weighted && config.subsets == nullptr) {
        return std::make_unique<RandomByLocality>();
      }
      return std::make_unique<RandomChoice>();
    case LbPolicy::kRingHash:
    case LbPolicy::kMaglev:
      if (config.hashing->balance_factor == 0) return std::make_unique<HashChoice>();
      return std::make_unique<BoundedHashChoice>(config.hashing->balance_factor, std::move(active));
    case LbPolicy::kPickFirst:
      return std::make_unique<FirstChoice>();
  }
  CHECK(false);
}

}  // namespace proxenos::upstream
