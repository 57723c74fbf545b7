// LoadBalancer: which host gets the next request. One of the eight seams: round robin, least
// request, random, by hash, the first.
//
// What can be computed ahead lies in the HostSet (host_set.h): priorities, panic, effective weights
// and hash tables are the same for all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "source/base/random.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"
#include "source/upstream/pick_request.h"
#include "source/upstream/zone_routing.h"

namespace proxenos::upstream {

// Requests under way to a host from this worker; of kNoHost: to all of the cluster's. REQUIRES: the
// index is of the HostSet that was given to Update last.
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

  // O(1), or O(log n) where weights differ or a ring is searched.
  Choice Pick(base::Random& random) { return Pick(PickRequest(), random); }
  Choice Pick(const PickRequest& request, base::Random& random);

  void SetZones(std::unique_ptr<ZoneRouting> zones) { zones_ = std::move(zones); }

 protected:
  // One of several picks for the same request, the first being 0.
  struct Draw {
    size_t group;
    uint64_t hash;
    uint32_t attempt;
    const Schedule* schedule;  // Of the group, or of one zone of it.
    size_t turns;              // Which of the turns that are taken; below turn_count().
  };

  // One for each group, then one for each zone of the group that has zones.
  size_t turn_count() const;
  const Schedule& TurnsOf(size_t turns) const;
  const HostSet& hosts() const { return *hosts_; }

  virtual void OnUpdate(base::Random&) {}
  virtual HostIndex PickIn(const Draw& draw, base::Random& random) = 0;

 private:
  HostIndex PickOnce(Draw draw, base::Random& random);
  size_t PickGroup(uint64_t percent) const;
  // Among groups of priorities that were not tried yet; where none is left, among all.
  size_t PickOtherGroup(uint64_t avoided, uint64_t percent) const;
  bool Avoids(const PickRequest& request, HostIndex index) const;

  const HostSet* hosts_ = nullptr;
  std::unique_ptr<ZoneRouting> zones_;  // Null: no request keeps to a zone.
};

// Turns in rotation, weighted where the weights differ. Starts at a random place, so that the
// workers do not all send their first requests to the same host.
class RoundRobin final : public LoadBalancer {
 private:
  void OnUpdate(base::Random& random) override;
  HostIndex PickIn(const Draw& draw, base::Random& random) override;

  absl::InlinedVector<uint32_t, 2> cursors_;  // By Draw::turns.
};

// Of some hosts drawn at random (by weight), or of all, the one with the fewest requests under way
// in proportion to its weight: least_pick.h.
class LeastRequest final : public LoadBalancer {
 public:
  LeastRequest(const LeastRequestOptions& options, ActiveRequests active);

 private:
  HostIndex PickIn(const Draw& draw, base::Random& random) override;

  const LeastRequestOptions options_;
  const ActiveRequests active_;
};

// Any host, each as likely as the others. As in Envoy, weights of endpoints play no part.
class RandomChoice final : public LoadBalancer {
 private:
  HostIndex PickIn(const Draw& draw, base::Random& random) override;
};

// By the request's hash, from the group's table (ring hash, Maglev).
class HashChoice final : public LoadBalancer {
 private:
  HostIndex PickIn(const Draw& draw, base::Random& random) override;
};

// The first host of all, as long as it can be used.
class FirstChoice final : public LoadBalancer {
 private:
  HostIndex PickIn(const Draw& draw, base::Random& random) override;
};

std::unique_ptr<LoadBalancer> MakeLoadBalancer(const ClusterConfig& config, ActiveRequests active);

}  // namespace proxenos::upstream
