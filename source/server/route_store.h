// RouteStore: the route configurations that listeners name (RDS), on the main thread, with the
// virtual hosts that come one by one (VHDS). A part of the one authoritative map (config_store.h).
//
// Invariant: a table in force never names a cluster that is still warming for the first time,
// unless it waited kRouteWait for it: a control plane that sends a new cluster and the routes to it
// together causes no failed request. Clusters that nobody has heard of do not hold a table back.
// The same holds for secrets that its filters name.
//
// A table with `vhds` is the configuration and the hosts that came for it, compiled as one. A new
// version of the configuration keeps the hosts, unless they are to come from another source.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "source/server/batch.h"
#include "source/server/cluster_store.h"
#include "source/server/cluster_uses.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/demand.h"
#include "source/server/route_hosts.h"
#include "source/server/route_stats.h"
#include "source/server/secret_store.h"
#include "source/server/store_context.h"
#include "source/stats/registry.h"

namespace proxenos::server {

// How long a table waits for clusters that it names: as long as those wait for their endpoints by
// default, so it is rarely what decides.
inline constexpr base::Nanos kRouteWait = 15 * base::kSecond;

// What routes name, and what is told of it. They outlive the RouteStore.
struct RouteNeighbours {
  const ClusterStore& clusters;
  const SecretStore& secrets;
  ClusterUses& uses;
};

// Owner: the ConfigStore. Thread: main.
class RouteStore {
 public:
  RouteStore(StoreContext context, Compilers& compilers, RouteNeighbours neighbours,
             stats::Registry& registry);
  ~RouteStore();

  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  // There is none of this name: it is not waited for any more. One that was there stays.
  void TakeMissing(const SourceKey& source, const std::string& name);
  // A step of virtual hosts; returns what was refused.
  std::vector<xds::ResourceError> TakeHosts(const SourceKey& source, const xds::TypeUpdate& update);
  // A request needs a virtual host: answered in a batch, at once or later.
  void Ask(const Demand& demand);
  // Nobody names it any more.
  void Drop(const SourceKey& source, const std::string& name, Batch& batch);
  // The stat_prefix of a connection manager that names it: what its stats stand below.
  void NoteUser(const std::string& name, const std::string& stat_prefix) {
    stats_.Open(name, stat_prefix);
  }
  // For stats: a step of a source with what was refused of it, and a listener that waits no longer.
  void CountStep(const xds::TypeUpdate& update, const std::vector<xds::ResourceError>& refused) {
    stats_.CountStep(update, refused);
  }
  void CountTimeout(const std::string& name) { stats_.CountTimeout(name); }
  void Settle(Batch& batch);
  base::MonoTime NextDeadline() const;

  // Whether a table of this name is to come: none is in force, and it was not said that there is
  // none.
  bool Awaits(const std::string& name) const;
  // True while `table` names a cluster that has no version in force yet, but will.
  static bool MustWait(const route::RouteTable& table, const ClusterStore& clusters);
  // What is wrong with the clusters that a table names, where they are to be checked.
  static std::optional<std::string> CheckClusters(const route::RouteTable& table, bool check,
                                                  const ClusterStore& clusters);

  // In order of the names.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;
  // The virtual hosts that came by discovery.
  void ForEachHost(absl::FunctionRef<void(const ResourceView&)> visit) const;

 private:
  struct Version;
  struct Entry;

  // A new version; with errors it is of no use.
  std::unique_ptr<Version> MakeVersion(const xds::Resource& resource, Entry& entry,
                                       config::Errors& errors);
  // Whether what it names is on its way still.
  bool Lacks(const Version& version) const;
  bool Waits(Entry& entry, base::MonoTime now) const;
  void Activate(const std::string& name, Entry& entry, Batch& batch);

  // --- Virtual hosts by discovery ---

  // Gives a version the hosts that it keeps, or a source of them.
  void AddHosts(const std::string& name, HostsOrigin origin, Version& version, Entry& entry,
                config::Errors& errors);
  RouteHosts& HostsFrom(const std::string& name, HostsOrigin origin, Entry& entry);
  // Compiles a version anew with these hosts. False: it stays as it was.
  bool Merge(const std::string& name, const RouteHosts& hosts, Version& version);
  RouteHosts* FindHosts(const SourceKey& source, const std::string& routes);
  // Those that a resource is one of; says of which route configuration. Null: nobody's.
  RouteHosts* HostsOf(const SourceKey& source, const xds::Resource& resource, std::string& routes);
  // What a step brings to one route configuration.
  struct HostStep {
    std::string routes;
    std::vector<RouteHosts::Candidate> candidates;
    std::vector<xds::ResourceError> errors;
  };
  using Steps = std::map<RouteHosts*, HostStep>;
  void RemoveHosts(const SourceKey& source, const xds::TypeUpdate& update, Steps& steps);
  void CollectHosts(const SourceKey& source, const xds::TypeUpdate& update, Steps& steps);
  // What is wrong with a host by itself.
  std::optional<std::string> CompileHost(const xds::Resource& resource, const Version& version,
                                         const RouteHosts& hosts, RouteHosts::Candidate& candidate);
  // The source has said something of what a request may have asked for.
  void NoteArrival(const std::string& name, const std::string& routes, RouteHosts& hosts);
  static void CountHostStep(const xds::TypeUpdate& update, bool refused, stats::VhdsStats& stats);
  void SettleHosts(base::MonoTime now);
  // The hosts of the newest version have changed.
  void Rebuild(const std::string& name, Entry& entry);
  void ActivateHosts(const std::string& name, Entry& entry);
  // Answers the requests that ask for hosts which are in force now, or do not exist.
  void TellAll();
  void Tell(const std::string& name, Entry& entry);
  void Answer(const std::string& routes, const std::string& authority,
              filter::OnDemand::Outcome outcome);
  base::MonoTime NextHostsDeadline() const;

  StoreContext context_;
  Compilers& compilers_;
  const ClusterStore& clusters_;
  const SecretStore& secrets_;
  ClusterUses& uses_;
  stats::Registry& registry_;
  RouteStats stats_;
  absl::btree_map<std::string, std::unique_ptr<Entry>> routes_;
  std::set<std::string> warming_;
  std::set<std::string> changed_;    // Whose hosts are others than those in the newest version.
  std::set<std::string> untold_;     // With answers to give once the newest version is in force.
  std::set<std::string> demanding_;  // With names that requests asked for.
  base::MonoTime rebuild_at_ = 0;    // Not before.
  std::vector<DemandAnswer> answers_;
};

}  // namespace proxenos::server
