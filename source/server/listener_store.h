// ListenerStore: the listeners on the main thread: every version that was sent, and the one in
// force. A part of the one authoritative map (config_store.h).
//
// A new version warms until its routes are in force and the secrets and filters that its chains
// name are there, each at most its time (then it goes on without: requests get 404, TLS clients are
// refused, the default stands for a filter, or 500). The version before serves meanwhile; replaced
// and removed ones drain.
//
// A version that differs from the one in force in filter chains alone takes its place: chains that
// are the same in both are not compiled anew and go on with what they have, and only connections of
// the others drain.
//
// A secret that rotates makes new TLS contexts for the version in force and disturbs nothing else;
// so does a filter that comes anew.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "source/server/batch.h"
#include "source/server/cluster_uses.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/extension_store.h"
#include "source/server/route_store.h"
#include "source/server/scope_store.h"
#include "source/server/secret_store.h"
#include "source/server/store_context.h"

namespace proxenos::server {

// Asked before a version is taken, to open its sockets: what fails here is the resource's error.
// `previous` is the listener of that name in force, or null.
using AdmitListener = absl::AnyInvocable<absl::Status(const downstream::ListenerConfig& next,
                                                      const downstream::ListenerConfig* previous)>;

// Owner: the ConfigStore. Thread: main.
class ListenerStore {
 public:
  struct Counts {
    uint64_t added = 0;
    uint64_t modified = 0;
    uint64_t removed = 0;
    uint64_t in_place = 0;  // Of the changes, those of filter chains alone.
  };
  // What the listeners are judged by and wait for.
  struct Surroundings {
    const ClusterStore& clusters;
    RouteStore& routes;
    ScopeStore& scopes;
    SecretStore& secrets;
    ExtensionStore& extensions;
    ClusterUses& uses;
    AdmitListener admit;
    base::Nanos drain_time = 600 * base::kSecond;
  };

  ListenerStore(StoreContext context, Compilers& compilers, Surroundings surroundings);
  ~ListenerStore();

  std::optional<std::string> Take(const xds::Resource& resource, bool is_static);
  void Remove(const std::string& name);
  void Settle(Batch& batch);
  base::MonoTime NextDeadline() const;

  size_t active_count() const;
  size_t warming_count() const { return warming_.size(); }
  size_t draining_count() const;
  size_t draining_chain_count() const { return draining_chain_count_; }
  const Counts& counts() const { return counts_; }

  // In order of the names.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;
  // The listeners in force.
  void ForEachActive(
      absl::FunctionRef<void(const downstream::ListenerConfig&, bool is_static)> visit) const;
  // The TLS contexts of listeners in force.
  void ForEachContext(absl::FunctionRef<void(const tls::Context&)> visit) const;
  // Routes written inline in listeners in force: serialized RouteConfigurations.
  void ForEachInlineRoutes(
      absl::FunctionRef<void(const std::string& bytes, base::WallTime last_updated)> visit) const;
  // The scopes that listeners in force list, by ScopedRoutes.name.
  void ForEachScopeList(
      absl::FunctionRef<void(const std::string& name, const std::vector<std::string>& written,
                             base::WallTime last_updated)>
          visit) const;

 private:
  struct Version;
  struct Listener;
  struct Draining {
    ResourceVersion resource;
    base::MonoTime until;
  };

  // Filter chains that one update replaced in a listener that stays.
  struct DrainingChains {
    size_t count;
    base::MonoTime until;
  };

  CompiledListener Compile(const xds::Resource& resource, const Listener& listener,
                           config::Errors& errors) const;
  std::optional<std::string> Check(const std::string& name, const CompiledListener& compiled) const;
  std::optional<std::string> CheckAddresses(const std::string& name,
                                            const downstream::ListenerConfig& config) const;
  std::unique_ptr<Version> MakeVersion(const xds::Resource& resource, CompiledListener compiled,
                                       std::vector<tls::SecretCellPtr> filter_secrets);
  std::optional<std::string> CheckRoutes(const CompiledListener& compiled) const;
  bool WaitsForRoutes(const Version& version) const;
  // Why a version that warms is not in force yet.
  struct Waits {
    bool routes = false;
    bool secrets = false;
    bool filters = false;
  };
  Waits WaitsFor(const Version& version) const;
  void Tell(const std::string& name, const Version& version, const Waits& goes_without);
  void SettleSecrets(Batch& batch);
  void SettleFilters(Batch& batch);
  void SettleScopes(Batch& batch);
  void Activate(Listener& listener, Batch& batch);
  void Drain(std::unique_ptr<Version> version);
  void DrainChains(const Version& before, const Version& next);
  void DropUses(const Version& version);

  StoreContext context_;
  Compilers& compilers_;
  Surroundings around_;
  absl::btree_map<std::string, std::unique_ptr<Listener>> listeners_;
  std::set<std::string> warming_;
  std::vector<std::string> removed_;  // In force until the next Settle.
  // The newest version of a name that drains: a listener that changes often must not pile up.
  absl::btree_map<std::string, Draining> draining_;
  std::deque<DrainingChains> draining_chains_;  // In order of their ends.
  size_t draining_chain_count_ = 0;
  std::set<std::string> scopes_pending_;   // Listeners in force whose newest scopes are not.
  std::set<std::string> filters_pending_;  // The same of filters that came.
  Counts counts_;
};

}  // namespace proxenos::server
