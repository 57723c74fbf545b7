// Checker: the active health checks of one version of a cluster.
//
// Owner: the version, on the main thread. Thread: main. Dies when: the version is replaced or its
// cluster removed; ends all checks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/access_log/file_sink.h"
#include "source/event/event_loop.h"
#include "source/health/check_cluster.h"
#include "source/health/event_log.h"
#include "source/health/host_check.h"
#include "source/stats/health_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/host_set.h"

namespace proxenos::health {

// What checkers of all kinds need of the server.
struct Surroundings {
  event::EventLoop& loop;
  stats::Registry& registry;
  access_log::LogWriter* log_writer = nullptr;  // Null: events are not written.
};

// Told on the main loop.
struct CheckerHooks {
  // Some host is another than it was, or the first checks are over.
  absl::AnyInvocable<void()> changed;
  // A host passed a check and counts as healthy.
  absl::AnyInvocable<void(const upstream::Host&)> passed;
};

class Checker {
 public:
  // REQUIRES: `config` has a health check. `used` tells whether the cluster has had requests.
  Checker(const Surroundings& surroundings, std::shared_ptr<const upstream::ClusterConfig> config,
          std::vector<std::shared_ptr<const tls::ClientContext>> tls,
          std::shared_ptr<const upstream::CircuitBreakers> used, CheckerHooks hooks);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // These are the hosts: checks of those that are new begin, of those that left end.
  void SetHosts(const upstream::HostSet& hosts);
  void SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
    cluster_.SetTls(index, std::move(context));
  }
  // Every host has been checked once.
  bool settled() const { return unchecked_ == 0; }
  const stats::HealthCheckStats& stats() const { return *stats_; }
  // Its version is in force: what it found is written to the hosts from now on.
  void TakeForce();
  // A request found that this host wants to be left alone.
  void OnImmediateFailure(uint64_t host_id);

 private:
  friend class HostCheck;

  // For its HostChecks.
  const upstream::HealthCheck& rules() const { return *config_->health_check; }
  // How long until the next check of a host; `pending`: its state is about to change.
  base::Nanos Interval(bool passed, bool pending);
  base::Nanos Jittered(base::Nanos base, base::Nanos jitter);
  void OnChecked(const HostCheck& check, bool changed, bool passed);

  void Forget(uint64_t host_id);
  void ShowGauges();

  const Surroundings surroundings_;
  const std::shared_ptr<const upstream::ClusterConfig> config_;
  const std::shared_ptr<const upstream::CircuitBreakers> used_;
  CheckerHooks hooks_;
  CheckCluster cluster_;
  CheckEvents events_;
  stats::Group<stats::HealthCheckStats> stats_;
  // By Host::id().
  absl::flat_hash_map<uint64_t, std::unique_ptr<HostCheck>> checks_;
  size_t unchecked_ = 0;
  bool in_force_ = false;
};

}  // namespace proxenos::health
