// LoadBalancer: which host gets the next request. One of the eight seams; three implementations:
// round robin, least request, random.
//
// What can be computed ahead lies in the HostSet (host_set.h): priorities, panic and effective
// weights are the same for all three.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "source/base/random.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

// Requests under way to a host from this worker. REQUIRES: the index is of the HostSet that was
// given to Update last.
using ActiveRequests = absl::AnyInvocable<uint32_t(HostIndex) const>;

struct Choice {
  HostIndex host = kNoHost;  // kNoHost: no host can be used.
  bool panic = false;        // Counts into lb_healthy_panic.

  explicit operator bool() const { return host != kNoHost; }
};

// Owner: the worker's cluster. Thread: the worker's. Dies when: the worker's cluster does.
class LoadBalancer {
 public:
  virtual ~LoadBalancer() = default;

  // Takes a new snapshot, which must live until the next Update. O(number of groups), which is
  // nearly always one.
  void Update(const HostSet& hosts, base::Random& random);

  // O(1), or O(log n) where weights differ.
  Choice Pick(base::Random& random) {
    if (hosts_ == nullptr || hosts_->groups().empty()) return Choice{};
    const size_t group = PickGroup(random);
    return Choice{PickIn(group, random), hosts_->groups()[group].panic};
  }

 protected:
  const Schedule& schedule(size_t group) const { return hosts_->groups()[group].schedule; }
  const HostSet& hosts() const { return *hosts_; }

  virtual void OnUpdate(base::Random&) {}
  virtual HostIndex PickIn(size_t group, base::Random& random) = 0;

 private:
  size_t PickGroup(base::Random& random) const;

  const HostSet* hosts_ = nullptr;
};

// Turns in rotation, weighted where the weights differ. Starts at a random place, so that the
// workers do not all send their first requests to the same host.
class RoundRobin final : public LoadBalancer {
 private:
  void OnUpdate(base::Random& random) override;
  HostIndex PickIn(size_t group, base::Random& random) override;

  absl::InlinedVector<uint32_t, 2> cursors_;  // One per group.
};

// Of `choices` hosts drawn at random (by weight), the one with the fewest requests under way in
// proportion to its weight.
class LeastRequest final : public LoadBalancer {
 public:
  LeastRequest(uint32_t choices, ActiveRequests active);

 private:
  HostIndex PickIn(size_t group, base::Random& random) override;

  const uint32_t choices_;
  const ActiveRequests active_;
};

// Any host, each as likely as the others. As in Envoy, weights of endpoints play no part.
class RandomChoice final : public LoadBalancer {
 private:
  HostIndex PickIn(size_t group, base::Random& random) override;
};

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, ActiveRequests active);

}  // namespace proxenos::upstream
