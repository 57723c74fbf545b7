// Picks by the weights of the moment.
#include "source/upstream/live_balancers.h"

#include <utility>
#include <vector>

#include "source/upstream/least_pick.h"
#include "source/upstream/orca_rules.h"

namespace proxenos::upstream {
namespace {

// Those of a balancer: one for each group, then one for each zone of the group that has zones,
// which is never in panic.
template <typename TurnsOf>
std::vector<LiveSchedules::Turns> AllTurns(const HostSet& hosts, size_t count, TurnsOf turns_of) {
  std::vector<LiveSchedules::Turns> turns;
  turns.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const bool panic = i < hosts.groups().size() && hosts.groups()[i].panic;
    turns.push_back({&turns_of(i), panic});
  }
  return turns;
}

}  // namespace

void LiveRoundRobin::OnUpdate(base::Random& random) {
  schedules_.Reset(hosts(), AllTurns(hosts(), turn_count(),
                                     [this](size_t i) -> const Schedule& { return TurnsOf(i); }));
  schedules_.Refresh();
  PlaceCursors(random);
}

void LiveRoundRobin::PlaceCursors(base::Random& random) {
  cursors_.clear();
  for (size_t i = 0; i < turn_count(); ++i) {
    const uint32_t total = schedules_.Of(i).total();
    cursors_.push_back(total == 0 ? 0 : static_cast<uint32_t>(random.Below(total)));
  }
}

HostIndex LiveRoundRobin::PickIn(const Draw& draw, base::Random& random) {
  if (schedules_.Refresh()) PlaceCursors(random);
  return schedules_.Of(draw.turns).Turn(cursors_[draw.turns]);
}

LiveLeastRequest::LiveLeastRequest(const LeastRequestOptions& options, ActiveRequests active,
                                   const LiveInputs& inputs)
    : options_(options), active_(std::move(active)), schedules_(inputs) {}

void LiveLeastRequest::OnUpdate(base::Random&) {
  schedules_.Reset(hosts(), AllTurns(hosts(), turn_count(),
                                     [this](size_t i) -> const Schedule& { return TurnsOf(i); }));
}

HostIndex LiveLeastRequest::PickIn(const Draw& draw, base::Random& random) {
  schedules_.Refresh();
  const auto weight = [this](HostIndex host) { return schedules_.WeightOf(host); };
  return LeastPick(options_, active_, weight).Pick(schedules_.Of(draw.turns), random);
}

std::unique_ptr<LoadBalancer> MakeLiveBalancer(const ClusterConfig& config, ActiveRequests& active,
                                               LiveInputs inputs) {
  const bool weighted = config.orca != nullptr && config.orca->weighting.has_value();
  if (!weighted) inputs.orca = nullptr;
  inputs.slow_start = config.slow_start.get();
  if (inputs.orca == nullptr && inputs.slow_start == nullptr) return nullptr;
  if (config.lb_policy == LbPolicy::kRoundRobin) return std::make_unique<LiveRoundRobin>(inputs);
  if (config.lb_policy != LbPolicy::kLeastRequest) return nullptr;
  return std::make_unique<LiveLeastRequest>(config.least_request, std::move(active), inputs);
}

}  // namespace proxenos::upstream
