// What the ClusterStore keeps of a cluster and of an assignment. Internal to its files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "source/health/orca_watch.h"
#include "source/server/cluster_health.h"
#include "source/server/cluster_store.h"
#include "source/server/tls_contexts.h"
#include "source/stats/health_stats.h"
#include "source/stats/subset_stats.h"

namespace proxenos::server {

inline bool IsDns(const upstream::ClusterConfig& config) {
  return config.discovery == upstream::DiscoveryKind::kStrictDns ||
         config.discovery == upstream::DiscoveryKind::kLogicalDns;
}

// Whose endpoints are looked up.
struct ClusterStore::DnsState {
  std::shared_ptr<const upstream::Assignment> resolved;  // The newest answer.
  upstream::DnsCounts counted;                    // What of cluster->counts() the stats have.
  std::unique_ptr<upstream::DnsCluster> cluster;  // Tells `resolved`, so it goes first.
};

// One version of a cluster. Its members' destructors end what it waits for. There are thousands:
// what few kinds of clusters need stands behind a pointer.
struct ClusterStore::Version {
  ResourceVersion resource;
  std::shared_ptr<const upstream::ClusterConfig> config;
  std::unique_ptr<ClientContexts> tls;  // Null without TLS.
  FilterSecrets filter_secrets;         // That its upstream filters name; null: none.
  NameClaim endpoints;                  // EDS only.
  std::unique_ptr<DnsState> dns;        // DNS only.
  // Hosts that its checks look at while it warms; null where none do.
  std::shared_ptr<const upstream::HostSet> hosts;
  std::unique_ptr<ClusterHealth> health;  // Null where nothing is to be found out.
  // Null unless hosts are asked for reports of their load, and before it is in force.
  std::unique_ptr<health::OrcaWatch> orca_watch;
  base::MonoTime endpoints_deadline = base::kNever;
  base::MonoTime secrets_deadline = base::kNever;
};

struct ClusterStore::Cluster {
  std::string name;
  bool is_static = false;
  bool own = false;              // Of OwnClusters: in no listing, and in no count.
  bool new_endpoints = false;    // The hosts are to be made anew.
  bool new_secrets = false;      // The TLS contexts are.
  bool new_health = false;       // Hosts are in another state than before.
  bool startup_counted = false;  // In startup_.
  std::unique_ptr<Version> active;
  std::unique_ptr<Version> warming;
  std::unique_ptr<Refusal> refused;      // Null: the newest was taken.
  base::MonoTime leaves = base::kNever;  // When a removed one goes at the latest.

  // These outlive changes of the configuration.
  std::shared_ptr<const upstream::CircuitBreakers> breakers =
      std::make_shared<const upstream::CircuitBreakers>();
  std::shared_ptr<const upstream::HostSet> hosts;     // Null before the first activation.
  std::shared_ptr<const upstream::ClusterLoad> load;  // Null where it is not reported.
  stats::ScopePin pin;
  stats::Group<stats::ClusterMembershipStats> stats;
  stats::Group<stats::ClusterExcludedStats> excluded;  // Of one with active checks.
  stats::Group<stats::ClusterSubsetStats> subsets;     // Of one that had some.
  stats::Group<stats::ClusterStaleStats> staleness;    // Of one whose endpoints age.
};

inline const ClientContexts::Contexts& ContextsOf(const ClientContexts* tls) {
  static const ClientContexts::Contexts* const kNone = new ClientContexts::Contexts;
  return tls == nullptr ? *kNone : tls->contexts();
}

// The names of the clusters that use an assignment, or did: one too many costs a look, no more.
// Nearly always there is one.
class AssignmentUsers {
 public:
  void Add(const std::string& name) {
    if (first_.empty()) first_ = name;
    if (name == first_) return;
    if (others_ == nullptr) others_ = std::make_unique<absl::btree_set<std::string>>();
    others_->insert(name);
  }
  bool several() const { return others_ != nullptr; }
  void ForEach(absl::FunctionRef<void(const std::string&)> visit) const {
    if (!first_.empty()) visit(first_);
    if (others_ == nullptr) return;
    for (const std::string& name : *others_) visit(name);
  }

 private:
  std::string first_;  // Empty: there is none.
  std::unique_ptr<absl::btree_set<std::string>> others_;
};

struct ClusterStore::AssignmentEntry {
  std::optional<ResourceVersion> active;  // Null until one has come.
  // `active` compiled; null when it was let go of after use (ReleaseEndpoints).
  std::shared_ptr<const upstream::Assignment> assignment;
  std::unique_ptr<Refusal> refused;        // Null: the newest was taken.
  base::MonoTime stale_at = base::kNever;  // When it is good for nothing any more: kNever without
  base::Nanos stale_after = 0;             // Policy.endpoint_stale_after, which is this.
  bool missing = false;                    // Said not to exist, before there was any.
  AssignmentUsers users;
};

}  // namespace proxenos::server
