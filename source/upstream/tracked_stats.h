// TrackedStats: what Cluster.track_cluster_stats asks for: stats of single endpoints, sizes of
// messages; and what load reports are made of. Few clusters have it, so nothing of it is in
// WorkerCluster itself.
//
// Owner: the worker's cluster. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "source/base/clock.h"
#include "source/stats/endpoint_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host.h"
#include "source/upstream/load_counts.h"

namespace proxenos::upstream {

class TrackedStats {
 public:
  // `load` is null where it is not reported.
  TrackedStats(stats::Registry& registry, const ClusterConfig& config,
               std::shared_ptr<const ClusterLoad> load = nullptr);

  void CountConnection(const Host& host);
  void CountConnectFailure(const Host& host);
  void CountConnectionEnd(const Host& host);
  // One that was counted already, by another worker.
  void CountBorrowed(const Host& host);
  void CountRequest(const Host& host);
  void CountRequestEnd(const Host& host);
  // It answered, or did not.
  void CountAnswer(const Host& host, bool success);
  void CountTimeout(const Host& host);
  // A request that a circuit breaker kept from all hosts.
  void CountDrop() {
    if (load_ != nullptr) load_->CountDrop();
  }
  // Lets go of those that are not among `present`, by Host::id().
  void Keep(const absl::flat_hash_set<uint64_t>& present);

  struct Sizes {
    uint64_t request_head = 0, request_body = 0;
    uint64_t response_head = 0;  // 0: none came.
    uint64_t response_body = 0;
  };
  void CountSizes(const Sizes& sizes);

  // Of a response: what it took of the time that it had. A `limit` of 0 is no limit.
  struct Spent {
    base::Nanos spent = 0;
    base::Nanos limit = 0;
  };
  void CountBudget(Spent whole);
  void CountTryBudget(Spent one_try);

 private:
  // Null without per_endpoint_stats.
  stats::EndpointStats* Of(const Host& host);
  // Null where nothing began that could end.
  stats::EndpointStats* Known(const Host& host);

  stats::Registry& registry_;
  const ClusterConfig& config_;
  const std::shared_ptr<const ClusterLoad> load_;
  absl::flat_hash_map<uint64_t, stats::Group<stats::EndpointStats>> endpoints_;  // By Host::id().
  stats::Group<stats::ClusterSizeStats> sizes_;      // With request_response_sizes.
  stats::Group<stats::ClusterBudgetStats> budgets_;  // With timeout_budgets.
};

}  // namespace proxenos::upstream
