// ExtensionStore: filters by themselves (ECDS), on the main thread: what was sent for each name,
// and who has a place for it. A part of the one authoritative map (config_store.h).
//
// Invariant: what a name stands for suits every place that it is used in: a filter that one
// listener could not take is refused, and the last good one stays everywhere.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "source/filter/discovered_filter.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/store_context.h"
#include "source/stats/extension_stats.h"
#include "source/stats/registry.h"

namespace proxenos::server {

class ClusterStore;
class ExtensionUse;

// Owner: the ConfigStore. Thread: main. Outlives every ExtensionUse.
class ExtensionStore {
 public:
  ExtensionStore(StoreContext context, Compilers& compilers, stats::Registry& registry);
  ~ExtensionStore();

  std::optional<std::string> Take(const SourceKey& source, const xds::Resource& resource);
  void Remove(const SourceKey& source, const std::string& name);
  // Nobody names it any more.
  void Drop(const SourceKey& source, const std::string& name);

  // What is wrong with the sources of these places.
  std::optional<std::string> Check(const std::vector<filter::DiscoveredFilter>& places) const;
  // Listeners that hold a filter which changed since the last call.
  std::set<std::string> TakeChanged() { return std::exchange(changed_, {}); }

  // In order of the names. One that is awaited has no version.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;

 private:
  friend class ExtensionUse;
  using Key = std::pair<std::string, SourceKey>;  // Name, source.
  struct Entry;
  struct Slot;

  Entry& EntryOf(const Key& key);
  void Join(Slot& slot);
  void Leave(Slot& slot);
  void Changed(const Slot& slot);

  StoreContext context_;
  Compilers& compilers_;
  stats::Registry& registry_;
  absl::btree_map<Key, std::unique_ptr<Entry>> entries_;
  std::set<std::string> changed_;
};

// ExtensionUse: the filters by discovery of one version of a listener. Owner: that version.
// Thread: main.
class ExtensionUse {
 public:
  // Of the chains that `compiled` does not keep; it outlives this one.
  ExtensionUse(ExtensionStore& store, std::string listener, const CompiledListener& compiled);
  ExtensionUse(const ExtensionUse&) = delete;
  ExtensionUse& operator=(const ExtensionUse&) = delete;
  ~ExtensionUse();

  // Takes over those of chains that are kept, with what has not been taken of their changes.
  void Adopt(ExtensionUse& before, absl::Span<const int32_t> kept);

  // Whether all that are waited for are there.
  bool ready() const;
  // How long a new version waits for them; 0 without end.
  base::Nanos timeout() const;
  // Until when what came waits for the first look-up of servers that it names by their addresses
  // (google_grpc); 0 when it need not (any more).
  base::MonoTime LooksUpUntil(const ClusterStore& clusters) const;
  // The filters of each chain as they are now; null where none come by discovery.
  std::vector<std::shared_ptr<const filter::FilterFactories>> Filters() const;
  // Of the chains in which one changed since the last call.
  void TakeChanged(
      absl::FunctionRef<void(size_t chain, std::shared_ptr<const filter::FilterFactories>)> visit);

 private:
  friend class ExtensionStore;
  std::shared_ptr<const filter::FilterFactories> FiltersOf(size_t chain) const;

  ExtensionStore& store_;
  const std::string listener_;
  const downstream::ListenerConfig& config_;
  std::vector<std::unique_ptr<ExtensionStore::Slot>> slots_;  // By chain, then place.
};

}  // namespace proxenos::server
