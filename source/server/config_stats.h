// ConfigStats: what the main thread knows of configuration, as stats of Envoy's names: cluster and
// listener managers, subscriptions, the control plane, circuit breakers. Brought up to date before
// each reading, so that nothing is counted twice and an idle process does no work.
//
// Owner: the Server. Thread: main.
#pragma once

#include <array>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "source/config/fields.h"
#include "source/server/config_sources.h"
#include "source/server/config_store.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/listener_stats.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"

namespace proxenos::server {

class ConfigStats {
 public:
  // What was set and left aside, of the bootstrap and of what discovery sent.
  struct Ignored {
    const config::IgnoredFields& bootstrap;
    const config::IgnoredFields& discovered;
  };
  // All outlive it.
  ConfigStats(stats::Registry& registry, ConfigStore& store, const ConfigSources& sources,
              Ignored ignored);

 private:
  struct Breakers {
    stats::Group<stats::CircuitBreakerStats> open;
    stats::Group<stats::CircuitBreakerRemainingStats> remaining;  // With track_remaining alone.
    bool seen = false;
  };

  void Refresh();
  void RefreshSubscription(const std::string& type_url, stats::SubscriptionStats& stats);
  static void Show(const xds::SubscriptionStats& now, stats::SubscriptionStats& stats);
  void RefreshManagers();
  void RefreshBreakers();
  void RefreshBreakers(const ClusterView& cluster, upstream::RoutingPriority priority);

  stats::Registry& registry_;
  ConfigStore& store_;
  const ConfigSources& sources_;
  const Ignored ignored_;
  stats::Group<stats::ConfigFieldStats> fields_;
  stats::Group<stats::ClusterManagerStats> clusters_;
  stats::Group<stats::ListenerManagerStats> listeners_;
  stats::Group<stats::SubscriptionStats> cds_;
  stats::Group<stats::SubscriptionStats> lds_;
  stats::Group<stats::SubscriptionStats> rtds_;   // Once a layer comes by discovery.
  stats::Group<stats::SubscriptionStats> odcds_;  // Once clusters are asked for on demand.
  stats::Group<stats::ControlPlaneStats> control_plane_;
  // By routing priority, and stat name.
  std::array<absl::flat_hash_map<std::string, Breakers>, upstream::kRoutingPriorities> breakers_;
  stats::ReadHook hook_;
};

}  // namespace proxenos::server
