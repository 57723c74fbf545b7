// Finding a subset, falling back, and balancing in it.
#include "source/upstream/subset_hosts.h"

#include <utility>

#include "source/stats/cluster_stats.h"
#include "source/upstream/live_balancers.h"
#include "source/upstream/zone_routing.h"

namespace proxenos::upstream {

SubsetHosts::SubsetHosts(const ClusterConfig& config, stats::Registry& registry,
                         LoadBalancer& whole, const LiveInputs& live, ActiveRequests active)
    : config_(config),
      rules_(*config.subsets),
      registry_(registry),
      whole_(whole),
      live_(live),
      active_(std::move(active)),
      stats_(registry.Open<SubsetRequestStats>(stats::ClusterScope(config.stat_name()))) {}

void SubsetHosts::Update(const HostSet& hosts) {
  balancers_.clear();
  hosts_ = &hosts;
}

Choice SubsetHosts::Choose(const PickRequest& request, base::Random& random) {
  if (!rules_.uses_fallbacks || request.subset_fallbacks.empty()) {
    return ChooseFor(request.subset, request, random);
  }
  Choice choice;
  for (const FlatStruct& wanted : request.subset_fallbacks) {
    choice = ChooseFor(&wanted, request, random);
    if (choice) break;
  }
  return choice;
}

Choice SubsetHosts::ChooseFor(const FlatStruct* wanted, const PickRequest& request,
                              base::Random& random) {
  if (wanted != nullptr && !wanted->empty()) {
    FlatStruct narrowed;
    if (rules_.allow_redundant_keys) {
      if (const SubsetSelector* widest = rules_.FindWidest(*wanted)) {
        narrowed = Keep(*wanted, widest->keys);
        wanted = &narrowed;
      }
    }
    if (const Subset* subset = hosts_->subsets()->Find(*wanted)) {
      stats_->lb_subsets_selected.Inc();
      return ChooseIn(*subset, request, random);
    }
    const SubsetSelector* selector = rules_.Find(*wanted);
    if (selector != nullptr && selector->fallback.has_value()) {
      if (*selector->fallback != SubsetFallback::kKeys) {
        return ChooseOther(*selector->fallback, request, random);
      }
      const FlatStruct fewer = Keep(*wanted, selector->fallback_keys);
      return ChooseFor(&fewer, request, random);  // Ends: the keys become fewer each time.
    }
  }
  if (rules_.fallback == SubsetFallback::kNone) return Choice();
  Choice choice = ChooseOther(rules_.fallback, request, random);
  if (choice) {
    stats_->lb_subsets_fallback.Inc();
  } else if (rules_.panic_mode_any) {
    choice = ChooseOther(SubsetFallback::kAny, request, random);
    if (choice) stats_->lb_subsets_fallback_panic.Inc();
  }
  return choice;
}

Choice SubsetHosts::ChooseOther(SubsetFallback fallback, const PickRequest& request,
                                base::Random& random) {
  if (fallback == SubsetFallback::kAny) return whole_.Pick(request, random);
  const Subset* subset = hosts_->subsets()->default_subset();
  if (fallback != SubsetFallback::kDefault || subset == nullptr) return Choice();
  return ChooseIn(*subset, request, random);
}

Choice SubsetHosts::ChooseIn(const Subset& subset, const PickRequest& request,
                             base::Random& random) {
  if (subset.hosts == nullptr) return Choice{subset.indexes[0], false};
  std::unique_ptr<LoadBalancer>& balancer = balancers_[&subset];
  if (balancer == nullptr) {
    balancer = MakeWorkerBalancer(config_, registry_, live_, [this, &subset](HostIndex index) {
      return active_(index == kNoHost ? kNoHost : subset.indexes[index]);
    });
    balancer->Update(*subset.hosts, random);
  }
  Choice choice = balancer->Pick(request, random);
  if (choice) choice.host = subset.indexes[choice.host];
  return choice;
}

std::unique_ptr<LoadBalancer> MakeWorkerBalancer(const ClusterConfig& config,
                                                 stats::Registry& registry, const LiveInputs& live,
                                                 ActiveRequests active) {
  std::unique_ptr<LoadBalancer> balancer = MakeLiveBalancer(config, active, live);
  if (balancer == nullptr) balancer = MakeLoadBalancer(config, std::move(active));
  // Without a local cluster it only tells whether requests may reach a cluster in panic.
  const bool fails_in_panic =
      config.zone_awareness.has_value() && config.zone_awareness->fail_traffic_on_panic;
  if (config.RoutesByZone() || fails_in_panic) {
    balancer->SetZones(std::make_unique<ZoneRouting>(
        *config.zone_awareness, config.local_zones,
        registry.Open<stats::ClusterZoneStats>(stats::ClusterScope(config.stat_name()))));
  }
  return balancer;
}

}  // namespace proxenos::upstream
