// ConfigStore: the one authoritative map of the configuration. Room 4 of an update
// (docs/life_of_an_update.md); with warming (room 5) inside its parts.
//
// Updates are taken resource by resource, each refused alone with its reasons; what was in force
// then stays. Taking only deposits: once in the same turn the store settles, that is, moves all
// that no longer has to wait into force, and hands what changed to the publisher as one Batch.
// Resources whose bytes did not change cost neither a rebuild nor a message.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/server/batch.h"
#include "source/server/cluster_demands.h"
#include "source/server/cluster_store.h"
#include "source/server/cluster_uses.h"
#include "source/server/compilers.h"
#include "source/server/extension_store.h"
#include "source/server/listener_store.h"
#include "source/server/own_clusters.h"
#include "source/server/route_store.h"
#include "source/server/runtime_store.h"
#include "source/server/scope_store.h"
#include "source/server/secret_store.h"
#include "source/server/wanted_names.h"
#include "source/stats/registry.h"
#include "source/xds/resource.h"

namespace proxenos::server {

// What the store asks of the server. Each is called on the main thread, from the loop.
struct ConfigStoreHooks {
  // Room 6: post it to each worker.
  absl::AnyInvocable<void(Batch)> publish;
  // Subscribe to other names of this type from this source.
  absl::AnyInvocable<void(const WantedNames::Change&)> want;
  // Whether resources of a type could come from a source at all. May be null.
  CheckSource check_source;
  FindCollection find_collection;  // May be null.
  // Where clusters on demand come from. May be null.
  FindDemandSource find_demand_source;
  MakeDns make_dns;
  HealthOptions health;
  bool report_load = false;                      // Hosts count what load reports tell.
  AdmitListener admit_listener;                  // May be null.
  base::Nanos drain_time = 600 * base::kSecond;  // --drain-time-s
};

// Owner: the server. Thread: main. Dies when: the server does, before the loop and the registry.
class ConfigStore final : private event::Runnable {
 public:
  ConfigStore(event::EventLoop& loop, stats::Registry& registry, Compilers compilers,
              ConfigStoreHooks hooks);
  ~ConfigStore() override;

  // A step of discovery. Its result is what was refused: a subscription's ApplyUpdate.
  std::vector<xds::ResourceError> Apply(const SourceKey& source, const xds::TypeUpdate& update);
  // A resource of the bootstrap. Secrets must come before clusters, and these before listeners.
  std::vector<xds::ResourceError> AddStatic(const std::string& type_url, const std::string& bytes);

  // What a worker asks for; the answer comes in a batch.
  void Ask(const Demand& demand);

  ClusterStore& clusters() { return clusters_; }
  const ClusterStore& clusters() const { return clusters_; }
  const RouteStore& routes() const { return routes_; }
  const ScopeStore& scopes() const { return scopes_; }
  const ListenerStore& listeners() const { return listeners_; }
  SecretStore& secrets() { return secrets_; }
  const SecretStore& secrets() const { return secrets_; }
  const ExtensionStore& extensions() const { return extensions_; }
  RuntimeStore& runtime() { return runtime_; }
  const RuntimeStore& runtime() const { return runtime_; }
  // What the control plane called the newest step of a type; empty before the first.
  const std::string& VersionOf(const std::string& type_url) const;

 private:
  StoreContext Context() {
    return {loop_, wanted_, *this, hooks_.check_source, graveyard_, hooks_.find_collection};
  }
  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  void Remove(const SourceKey& source, const std::string& type_url, const std::string& name);
  void Run() override;  // Settles and publishes.
  void DropUnclaimed(Batch& batch);

  event::EventLoop& loop_;
  Compilers compilers_;
  ConfigStoreHooks hooks_;
  event::Timer deadline_timer_;
  Graveyard graveyard_;
  std::map<std::string, std::string> versions_;  // By type.

  // In this order: what refers to another dies before it.
  WantedNames wanted_;
  ClusterUses uses_;
  RuntimeStore runtime_;
  SecretStore secrets_;
  ExtensionStore extensions_;
  ClusterStore clusters_;
  OwnClusters own_clusters_;
  ClusterDemands cluster_demands_;
  RouteStore routes_;
  ScopeStore scopes_;
  ListenerStore listeners_;
};

}  // namespace proxenos::server
