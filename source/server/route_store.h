// RouteStore: the route configurations that listeners name (RDS), on the main thread. A part of the
// one authoritative map (config_store.h).
//
// Invariant: a table in force never names a cluster that is still warming for the first time,
// unless it waited kRouteWait for it: a control plane that sends a new cluster and the routes to it
// together causes no failed request. Clusters that nobody has heard of do not hold a table back.
// The same holds for secrets that its filters name.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "source/server/batch.h"
#include "source/server/cluster_store.h"
#include "source/server/cluster_uses.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/secret_store.h"
#include "source/server/store_context.h"

namespace proxenos::server {

// How long a table waits for clusters that it names: as long as those wait for their endpoints by
// default, so it is rarely what decides.
inline constexpr base::Nanos kRouteWait = 15 * base::kSecond;

// Owner: the ConfigStore. Thread: main.
class RouteStore {
 public:
  RouteStore(StoreContext context, Compilers& compilers, const ClusterStore& clusters,
             const SecretStore& secrets, ClusterUses& uses);
  ~RouteStore();

  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  // There is none of this name: it is not waited for any more. One that was there stays.
  void TakeMissing(const SourceKey& source, const std::string& name);
  // Nobody names it any more.
  void Drop(const SourceKey& source, const std::string& name, Batch& batch);
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

 private:
  struct Version {
    ResourceVersion resource;
    std::shared_ptr<const downstream::RouteSnapshot> snapshot;
    base::MonoTime deadline = base::kNever;
    std::vector<tls::SecretCellPtr> secrets;  // Those that its overrides of filters name.
  };
  struct Entry {
    SourceKey source;
    std::optional<Version> active;
    std::optional<Version> warming;
    std::optional<Refusal> refused;
    bool missing = false;  // Said not to exist, before there was any.
  };

  StoreContext context_;
  Compilers& compilers_;
  const ClusterStore& clusters_;
  const SecretStore& secrets_;
  ClusterUses& uses_;
  absl::btree_map<std::string, std::unique_ptr<Entry>> routes_;
  std::set<std::string> warming_;
};

}  // namespace proxenos::server
