// The three balancers.
#include "source/upstream/load_balancer.h"

#include <utility>

#include "source/base/check.h"

namespace proxenos::upstream {

void LoadBalancer::Update(const HostSet& hosts, base::Random& random) {
  hosts_ = &hosts;
  OnUpdate(random);
}

size_t LoadBalancer::PickGroup(base::Random& random) const {
  const absl::Span<const HostGroup> groups = hosts_->groups();
  if (groups.size() == 1) return 0;
  const uint64_t percent = random.Below(100);
  size_t group = 0;
  while (groups[group].cumulative_percent <= percent) ++group;  // The last one has 100.
  return group;
}

void RoundRobin::OnUpdate(base::Random& random) {
  cursors_.clear();
  for (const HostGroup& group : hosts().groups()) {
    cursors_.push_back(static_cast<uint32_t>(random.Below(group.schedule.total())));
  }
}

HostIndex RoundRobin::PickIn(size_t group, base::Random&) {
  return schedule(group).Turn(cursors_[group]);
}

LeastRequest::LeastRequest(uint32_t choices, ActiveRequests active)
    : choices_(choices), active_(std::move(active)) {}

HostIndex LeastRequest::PickIn(size_t group, base::Random& random) {
  const Schedule& hosts_of_group = schedule(group);
  if (hosts_of_group.size() == 1) return hosts_of_group.Draw(random);
  HostIndex best = hosts_of_group.Draw(random);
  uint64_t best_active = active_(best);
  for (uint32_t i = 1; i < choices_; ++i) {
    const HostIndex other = hosts_of_group.Draw(random);
    const uint64_t active = active_(other);
    // Fewer in proportion to the weight. The first drawn wins a tie, so that idle hosts are chosen
    // as often as they are drawn: by weight.
    if (active * hosts().entry(best).weight < best_active * hosts().entry(other).weight) {
      best = other;
      best_active = active;
    }
  }
  return best;
}

HostIndex RandomChoice::PickIn(size_t group, base::Random& random) {
  return schedule(group).DrawUniform(random);
}

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, ActiveRequests active) {
  switch (config.lb_policy) {
    case LbPolicy::kRoundRobin:
      return std::make_unique<RoundRobin>();
    case LbPolicy::kLeastRequest:
      return std::make_unique<LeastRequest>(config.least_request_choices, std::move(active));
    case LbPolicy::kRandom:
      return std::make_unique<RandomChoice>();
  }
  CHECK(false);
}

}  // namespace proxenos::upstream
