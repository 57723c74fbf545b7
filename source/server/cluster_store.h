// ClusterStore: the clusters and their endpoints on the main thread: every version that was sent,
// the one in force, and the hosts. A part of the one authoritative map (config_store.h).
//
// A new version warms until its endpoints are there (EDS: the assignment; DNS: the first answer)
// and the secrets that it names, or their time is over, and until its hosts have been checked once
// where there are active checks; meanwhile the version before serves. A removed cluster stays until
// no routes in force name it, or kRemovalGrace is over: routes that are on their way get the time
// to arrive.
//
//     Apply ──▶ warming ──Settle──▶ active ──Remove──▶ leaving ──SettleRemovals──▶ gone
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/event/work_slice.h"
#include "source/server/batch.h"
#include "source/server/cluster_health.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/secret_store.h"
#include "source/server/store_context.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/health_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/dns_cluster.h"

namespace proxenos::server {

// How long routes may go on naming a cluster that was removed. A control plane sends clusters and
// routes in two messages, so without it each such change would fail requests in between.
inline constexpr base::Nanos kRemovalGrace = 5 * base::kSecond;

// Makes the resolver of a DNS cluster's names.
using MakeDns = absl::AnyInvocable<std::unique_ptr<upstream::DnsCluster>(
    std::shared_ptr<const upstream::ClusterConfig>, upstream::DnsCluster::OnAssignment)>;

// One cluster in force, for /clusters.
struct ClusterView {
  const upstream::ClusterConfig& config;
  const upstream::HostSet& hosts;
  const upstream::CircuitBreakers& breakers;
  bool added_via_api;
  const health::OutlierDetector* outliers;  // Null without outlier detection.
  const upstream::ClusterLoad* load;        // Null where load is not reported.
};

// What the store needs of the server.
struct ClusterStoreOptions {
  MakeDns make_dns;
  HealthOptions health;
  bool report_load = false;  // Hosts count what load reports tell.
};

// Owner: the ConfigStore. Thread: main.
class ClusterStore {
 public:
  struct Counts {
    uint64_t added = 0;
    uint64_t modified = 0;
    uint64_t removed = 0;
  };

  ClusterStore(StoreContext context, Compilers& compilers, SecretStore& secrets,
               ClusterStoreOptions options, stats::Registry& registry);
  ~ClusterStore();

  // A new version; an error when it is refused, then what was in force stays so.
  std::optional<std::string> Take(const xds::Resource& resource, bool is_static);
  void Remove(const std::string& name);
  // A cluster that no listing has, as OwnClusters makes them; and its end.
  std::optional<std::string> TakeOwn(const xds::Resource& resource);
  void DropOwn(const std::string& name);
  std::optional<std::string> TakeAssignment(const SourceKey& source, const xds::Resource& resource);
  // The same one has come again: it is as good as new.
  void RenewAssignment(const SourceKey& source, const std::string& name);
  // There is none of this name: it is not waited for any more. One that was there stays.
  void TakeMissingAssignment(const SourceKey& source, const std::string& name);
  void DropAssignment(const SourceKey& source, const std::string& name);

  // Puts in force what need not wait any more. False: the slice was over first, and it wants to be
  // called again.
  bool Settle(const event::WorkSlice& slice, Batch& batch);
  // Lets go of removed clusters that `in_use` does not name. False as above.
  bool SettleRemovals(absl::FunctionRef<bool(const std::string&)> in_use,
                      const event::WorkSlice& slice, Batch& batch);
  // When Settle or SettleRemovals should be called at the latest.
  base::MonoTime NextDeadline() const;

  // Known, if only as warming.
  bool Has(absl::string_view name) const;
  // Known, but none of its versions is in force yet.
  bool Unready(absl::string_view name) const;
  // Whether some of these are.
  bool AnyUnready(const std::vector<std::string>& names) const;
  size_t active_count() const { return active_; }
  size_t warming_count() const { return warming_.size(); }
  // Clusters without any version in force that start-up waits for (wait_for_warm_on_init).
  size_t startup_count() const { return startup_; }
  const Counts& counts() const { return counts_; }
  const upstream::ClusterConfig* Find(absl::string_view name) const;

  // In order of the names.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;
  void ForEachAssignment(absl::FunctionRef<void(const ResourceView&)> visit) const;
  void ForEachActive(absl::FunctionRef<void(const ClusterView&)> visit) const;
  // The one of that name, if it is in force.
  void VisitActive(absl::string_view name, absl::FunctionRef<void(const ClusterView&)> visit) const;
  // The TLS contexts of clusters in force.
  void ForEachContext(absl::FunctionRef<void(const tls::Context&)> visit) const;
  // Brings stats up to date that others count (the names' look-ups).
  void RefreshStats();

 private:
  struct AssignmentKey {
    SourceKey source;
    std::string name;
  };
  struct DnsState;
  struct Version;
  struct Cluster;
  struct AssignmentEntry;

  Cluster& FindOrMake(const std::string& name, bool is_static);
  void Leave(Cluster& cluster);
  using FilterSecrets = std::unique_ptr<const std::vector<tls::SecretCellPtr>>;
  std::unique_ptr<Version> MakeVersion(const xds::Resource& resource,
                                       std::shared_ptr<const upstream::ClusterConfig> config,
                                       FilterSecrets filter_secrets);
  // Those that upstream filters have named since `stamp`; null: none.
  static FilterSecrets NamedSince(uint64_t stamp);
  std::optional<std::string> Refuse(Cluster& cluster, const xds::Resource& resource,
                                    std::string reason);
  // Asks for the endpoints of an EDS cluster.
  void ClaimEndpoints(Version& version);
  // The endpoints that a version has now; null while they are awaited.
  const upstream::Assignment* EndpointsOf(const Version& version);
  AssignmentEntry& EntryOf(const AssignmentKey& key);
  // Null: none has come, and none is wanted.
  AssignmentEntry* FindEntry(const AssignmentKey& key) const;
  // Whether the control plane has said that there are none.
  bool HasNoEndpoints(const Version& version) const;
  // The endpoints in `bytes` where they differ little from those in force; else null.
  std::shared_ptr<const upstream::Assignment> PatchEndpoints(const AssignmentEntry& entry,
                                                             const std::string& bytes);
  void TellUsers(const AssignmentEntry& entry);
  // An assignment has come: begins the time that it is good for, if it says one.
  void BeginStaleness(AssignmentEntry& entry, base::Nanos stale_after);
  // Opened when first asked for. REQUIRES: the cluster has some version.
  stats::ClusterStaleStats& StaleStatsOf(Cluster& cluster);
  // Marks an EDS cluster whose endpoints' time is over.
  void NoteAge(Cluster& cluster);
  static AssignmentKey KeyOf(const upstream::ClusterConfig& config);
  std::optional<std::string> Check(const upstream::ClusterConfig& config) const;
  void NewEndpoints(const std::string& name);
  void NewHealth(const std::string& name);
  // Marks what came due: deadlines and secrets.
  void CollectDue();
  void SettleOne(Cluster& cluster, Batch& batch);
  // Whether the warming version need not wait any more.
  bool Ready(Cluster& cluster);
  // Whether all its hosts have been checked, where they are to be; begins with it.
  bool Checked(Cluster& cluster);
  void SettleHosts(Cluster& cluster, Batch& batch);
  void Activate(Cluster& cluster, Batch& batch);
  std::shared_ptr<const upstream::PublishedCluster> PublishedFrom(const Cluster& cluster) const;
  // Lets go of a compiled assignment that can be compiled anew at little cost.
  void ReleaseEndpoints(const Version& version);
  void CountStartup(Cluster& cluster);
  // True when the hosts are other ones.
  bool RebuildHosts(Cluster& cluster);
  void TakeForce(Cluster& cluster);
  // Asks hosts for reports of their load, where the version in force wants that.
  void WatchLoad(Cluster& cluster);
  // A new snapshot after health bits have changed.
  void ShowNewHealth(Cluster& cluster);
  // Before workers know the hosts.
  static void CountLoad(Cluster& cluster);
  static ClusterView ViewOf(const Cluster& cluster);
  void Bury(std::shared_ptr<const upstream::HostSet> hosts);
  static void ShowMembership(Cluster& cluster);
  void CountUpdate(const Cluster& cluster, bool rebuilt);
  void OnReport(const std::string& cluster, uint64_t host_id, upstream::HostReport report);
  void Retire(std::unique_ptr<Version> version);

  StoreContext context_;
  Compilers& compilers_;
  SecretStore& secrets_;
  ClusterStoreOptions options_;
  stats::Registry& registry_;
  const std::shared_ptr<const upstream::HostReports> reports_;

  absl::btree_map<absl::string_view, std::unique_ptr<Cluster>> clusters_;  // By Cluster::name.
  using Assignments = absl::btree_map<std::string, std::unique_ptr<AssignmentEntry>>;
  absl::btree_map<SourceKey, Assignments> assignments_;  // By source, then by name.
  std::set<std::string> warming_;                        // Clusters with a version that waits.
  std::set<std::string> without_secrets_;                // Of those, for want of what filters name.
  std::set<std::string> leaving_;  // Removed, but perhaps still named by routes.
  // Clusters for which something has come that Settle should look at.
  std::set<std::string> due_;
  // When a warming cluster goes on without what it waits for. One that has not waited so long, or
  // is gone, costs a look.
  std::set<std::pair<base::MonoTime, std::string>> deadlines_;
  size_t active_ = 0;
  size_t startup_ = 0;
  Counts counts_;
};

}  // namespace proxenos::server
