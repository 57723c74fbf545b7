// ScopeStore: the scopes of connection managers (scoped_routes), on the main thread: what SRDS
// sent, and who uses it. A part of the one authoritative map (config_store.h).
//
// Invariant: the scopes in force name only route tables that are in force, unless those did not
// come in time: a control plane that sends scopes before their routes causes no failed request.
// Until then the scopes before stay.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "source/downstream/scope_table.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/route_store.h"
#include "source/server/store_context.h"
#include "source/stats/registry.h"
#include "source/stats/scope_stats.h"

namespace proxenos::server {

class ScopeUse;

// Owner: the ConfigStore. Thread: main. Outlives every ScopeUse.
class ScopeStore {
 public:
  ScopeStore(StoreContext context, Compilers& compilers, RouteStore& routes,
             stats::Registry& registry);
  ~ScopeStore();

  // One step of the source: what is wrong with it. What is refused stays as it was.
  std::vector<xds::ResourceError> Take(const SourceKey& source, const xds::TypeUpdate& update);
  // Nobody uses this set any more (Claim's name).
  void Drop(const SourceKey& source, const std::string& collection);

  // What is wrong with the sources that a chain names.
  std::optional<std::string> Check(const RouteOrigin& origin,
                                   const downstream::HttpConfig& http) const;
  // Listeners with scopes that are not in force yet.
  std::set<std::string> TakeChanged() { return std::exchange(changed_, {}); }

  // The scopes of each set, by the ScopedRoutes.name of those who use it.
  void ForEachSet(absl::FunctionRef<void(const std::string& name, const std::vector<ResourceView>&)>
                      visit) const;

 private:
  friend class ScopeUse;
  struct Item {
    downstream::Scope scope;  // Of the version in force.
    std::optional<ResourceVersion> active;
    std::optional<Refusal> refused;
  };
  struct Slot;
  struct Step;
  // What one source sent: all of it, or of one collection.
  struct Set {
    absl::btree_map<std::string, Item> items;
    // Names of those in force, by their keys.
    absl::flat_hash_map<std::string, std::string> owners;
    std::vector<Slot*> users;
    bool answered = false;
    bool changed = false;  // Within a step.
  };

  // Which set: the source, and xds::kAllNames or the collection.
  using SetKey = std::pair<SourceKey, std::string>;

  SetKey KeyOf(const ScopeOrigin& origin) const;
  // The set that a resource of this name belongs to; null where nobody asked.
  Set* SetOf(const SourceKey& source, const std::string& name);
  // Those that an update is about; null may be among them.
  std::set<Set*> SetsOf(const SourceKey& source, const xds::TypeUpdate& update);
  void Remove(const SourceKey& source, const std::string& name);
  xds::ResourceError Refuse(Item& item, const xds::Resource& resource, std::string reason) const;
  void ShareKeys(Set& set, Step& step, std::vector<xds::ResourceError>& errors) const;
  void PutIn(Set& set, Step& step) const;
  // The step was taken; `rejected`: not all of it. It is an answer to those alone who asked for
  // what it is about.
  void EndStep(const SourceKey& source, const xds::TypeUpdate& update, bool rejected);
  void Changed(Set& set);

  StoreContext context_;
  Compilers& compilers_;
  RouteStore& routes_;
  stats::Registry& registry_;
  absl::btree_map<SetKey, std::unique_ptr<Set>> sets_;
  std::set<std::string> changed_;
};

// ScopeUse: the scopes of one version of a listener. Owner: that version. Thread: main.
class ScopeUse {
 public:
  using Table = std::shared_ptr<const downstream::ScopeTable>;

  ScopeUse(ScopeStore& store, std::string listener, const CompiledListener& compiled);
  ScopeUse(const ScopeUse&) = delete;
  ScopeUse& operator=(const ScopeUse&) = delete;
  ~ScopeUse();

  // Takes over those of chains that `compiled`, which outlives this one, keeps.
  void Adopt(ScopeUse& before, const CompiledListener& compiled);

  // Whether the scopes are there, and all routes that they name.
  bool ready() const;
  // How long a new version waits for that; 0 without end.
  base::Nanos timeout() const;
  // Puts in force what is there: the scopes of each chain; null where it has none.
  std::vector<Table> Begin();
  // Puts in force what need not wait any more; false when something still has to.
  bool Settle(absl::FunctionRef<void(size_t chain, Table)> visit);
  base::MonoTime NextDeadline() const;

 private:
  friend class ScopeStore;
  void AddSlot(size_t chain, const downstream::HttpConfig& http, const RouteOrigin& origin);

  ScopeStore& store_;
  const std::string listener_;
  std::vector<std::unique_ptr<ScopeStore::Slot>> slots_;
};

}  // namespace proxenos::server
