// Zone-aware routing: as much as possible stays in the zone that we are in ourselves. How much that
// may be follows from two shares: that of the upstream's healthy hosts in each zone, and that of
// our own kind (the local cluster, ClusterManager.local_cluster_name), who send them requests.
//
// With a third of the proxies and a third of the hosts in a zone all of it stays there. Where a
// zone has more proxies than hosts, what is too much goes to zones where it is the other way round.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/random.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/assignment.h"
#include "source/upstream/balancing.h"
#include "source/upstream/host_set.h"

namespace proxenos::upstream {

// The zones of the local cluster.
// Owner: the server, shared with the clusters that route by zone. Thread: Set on main, else any.
class LocalZones {
 public:
  struct Zone {
    Locality locality;
    uint64_t hosts = 0;  // Healthy ones of priority 0.
    uint64_t weight = 0;
  };
  struct Counts {
    std::vector<Zone> zones;
    uint64_t hosts = 0;
    uint64_t weight = 0;
    bool panic = true;  // Too few of them are healthy to go by their number.
  };

  // `here` is where this process is (Node.locality), `cluster` what its own kind is called.
  LocalZones(Locality here, std::string cluster)
      : here_(std::move(here)), cluster_(std::move(cluster)) {}

  const Locality& here() const { return here_; }
  const std::string& cluster() const { return cluster_; }

  void Set(const HostSet& hosts);
  // Changes with each Set. Cheap: one load.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::shared_ptr<const Counts> counts() const { return counts_.load(); }

 private:
  const Locality here_;
  const std::string cluster_;
  std::atomic<std::shared_ptr<const Counts>> counts_{std::make_shared<const Counts>()};
  std::atomic<uint64_t> version_{1};
};

// One worker's choice among the zones of one cluster.
// Owner: the cluster's balancer. Thread: the worker's.
class ZoneRouting {
 public:
  ZoneRouting(const ZoneAwareness& options, std::shared_ptr<const LocalZones> local,
              stats::Group<stats::ClusterZoneStats> stats)
      : options_(options), local_(std::move(local)), stats_(std::move(stats)) {}

  // A new snapshot: what was computed of the old one is forgotten.
  void Update() { version_ = 0; }

  // False: requests are to fail rather than reach a cluster in panic.
  bool Allows(const HostGroup& group) const {
    return !(group.panic && options_.fail_traffic_on_panic);
  }
  enum class Verdict : uint8_t { kAnyZone, kZone, kFail };
  struct Choice {
    Verdict verdict = Verdict::kAnyZone;
    size_t zone = 0;  // Index into group.zones, with kZone.
  };
  // REQUIRES: `group` is of the snapshot last told of, and has zones.
  Choice Choose(const HostSet& hosts, const HostGroup& group, base::Random& random);

 private:
  enum class Mode : uint8_t { kOff, kDirect, kShared };
  void Compute(const HostSet& hosts, const HostGroup& group, const LocalZones::Counts& local);

  const ZoneAwareness options_;
  const std::shared_ptr<const LocalZones> local_;
  stats::Group<stats::ClusterZoneStats> stats_;

  uint64_t version_ = 0;  // Of local_ that the rest was computed with; 0: it was not.
  bool local_panic_ = false;
  Mode mode_ = Mode::kOff;
  size_t here_ = 0;                 // The zone that we are in.
  uint64_t stay_ = 0;               // Of 10000 requests, so many stay in it.
  std::vector<uint64_t> capacity_;  // By zone: what it and those before have to spare.
};

}  // namespace proxenos::upstream
