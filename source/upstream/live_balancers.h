// Round robin and least request where weights change between two snapshots (live_schedules.h).
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "source/base/random.h"
#include "source/upstream/cluster.h"
#include "source/upstream/live_schedules.h"
#include "source/upstream/load_balancer.h"

namespace proxenos::upstream {

// Also client-side weighted round robin.
class LiveRoundRobin final : public LoadBalancer {
 public:
  explicit LiveRoundRobin(const LiveInputs& inputs) : schedules_(inputs) {}

 private:
  void OnUpdate(base::Random& random) override;
  HostIndex PickIn(const Draw& draw, base::Random& random) override;
  // At random places, as RoundRobin does.
  void PlaceCursors(base::Random& random);

  LiveSchedules schedules_;
  absl::InlinedVector<uint32_t, 2> cursors_;  // By Draw::turns.
};

class LiveLeastRequest final : public LoadBalancer {
 public:
  LiveLeastRequest(const LeastRequestOptions& options, ActiveRequests active,
                   const LiveInputs& inputs);

 private:
  void OnUpdate(base::Random& random) override;
  HostIndex PickIn(const Draw& draw, base::Random& random) override;

  const LeastRequestOptions options_;
  const ActiveRequests active_;
  LiveSchedules schedules_;
};

// Null: the cluster's weights do not change, or its policy knows none; MakeLoadBalancer makes its
// balancer. `inputs.orca` counts only where reports decide on weights.
std::unique_ptr<LoadBalancer> MakeLiveBalancer(const ClusterConfig& config, ActiveRequests& active,
                                               LiveInputs inputs);

}  // namespace proxenos::upstream
