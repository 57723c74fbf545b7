// SubsetHosts: a cluster with subsets on one worker: finds the subset that a request asks for, goes
// by the fallbacks where there is none, and balances among the hosts of what it found.
//
// A subset gets a balancer when the first request asks for it; all are forgotten with a snapshot.
#pragma once

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "source/base/random.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/upstream/cluster.h"
#include "source/upstream/live_schedules.h"
#include "source/upstream/load_balancer.h"
#include "source/upstream/pick_request.h"
#include "source/upstream/subset_rules.h"
#include "source/upstream/subsets.h"

namespace proxenos::upstream {

// Where requests went. Scope: ClusterScope. One group a worker.
#define PX_SUBSET_REQUEST_STATS(X) \
  X(Counter, lb_subsets_selected)  \
  X(Counter, lb_subsets_fallback)  \
  X(Counter, lb_subsets_fallback_panic)
PX_STATS(SubsetRequestStats, PX_SUBSET_REQUEST_STATS);

// A worker's balancer over the hosts of a cluster, or some of them.
std::unique_ptr<LoadBalancer> MakeWorkerBalancer(const ClusterConfig& config,
                                                 stats::Registry& registry, const LiveInputs& live,
                                                 ActiveRequests active);

// Owner: the WorkerCluster, where its config() has subsets. Thread: the worker's.
class SubsetHosts final {
 public:
  // `whole` balances over all hosts; `active` is of indexes into all. All of these outlive it.
  SubsetHosts(const ClusterConfig& config, stats::Registry& registry, LoadBalancer& whole,
              const LiveInputs& live, ActiveRequests active);

  // A new snapshot, which must live until the next, and of which `whole` knows.
  void Update(const HostSet& hosts);
  // O(1) or O(log n) in a subset that requests asked for before.
  Choice Choose(const PickRequest& request, base::Random& random);

 private:
  Choice ChooseFor(const FlatStruct* wanted, const PickRequest& request, base::Random& random);
  Choice ChooseOther(SubsetFallback fallback, const PickRequest& request, base::Random& random);
  Choice ChooseIn(const Subset& subset, const PickRequest& request, base::Random& random);

  const ClusterConfig& config_;
  const SubsetRules& rules_;
  stats::Registry& registry_;
  LoadBalancer& whole_;
  const LiveInputs live_;
  const ActiveRequests active_;
  stats::Group<SubsetRequestStats> stats_;
  const HostSet* hosts_ = nullptr;
  absl::flat_hash_map<const Subset*, std::unique_ptr<LoadBalancer>> balancers_;  // Of hosts_.
};

}  // namespace proxenos::upstream
