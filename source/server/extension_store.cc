// Entries by name, and the places that they fill.
#include "source/server/extension_store.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/server/cluster_store.h"
#include "source/server/own_clusters.h"
#include "source/server/route_store.h"
#include "source/stats/scope.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {

using Factory = std::shared_ptr<const filter::FilterFactory>;

struct ExtensionStore::Entry {
  std::optional<ResourceVersion> active;
  std::optional<Refusal> refused;
  std::vector<Slot*> users;
  // Clusters that stand for servers which `active` names by their addresses, and how long to wait
  // for their first look-up.
  std::vector<std::string> own_targets;
  base::MonoTime targets_deadline = 0;
  stats::Group<stats::ExtensionStats> stats;
};

// One place of one chain.
struct ExtensionStore::Slot {
  const std::string* listener;
  size_t chain;
  const filter::DiscoveredFilter& place;
  Entry* entry = nullptr;
  NameClaim claim;
  Factory factory = nullptr;  // Null: nothing that suits has come.
  bool changed = false;

  Key key() const { return {place.name, place.source}; }
};

ExtensionStore::ExtensionStore(StoreContext context, Compilers& compilers,
                               stats::Registry& registry)
    : context_(context), compilers_(compilers), registry_(registry) {}

ExtensionStore::~ExtensionStore() {
  for (const auto& [key, entry] : entries_) CHECK(entry->users.empty());
}

ExtensionStore::Entry& ExtensionStore::EntryOf(const Key& key) {
  std::unique_ptr<Entry>& entry = entries_[key];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->stats = registry_.Open<stats::ExtensionStats>(
        stats::ScopeName(stats::kExtensionScope, {key.first}));
  }
  return *entry;
}

std::optional<std::string> ExtensionStore::Take(const SourceKey& source,
                                                const xds::Resource& resource) {
  const auto found = entries_.find(Key(resource.name, source));
  if (found == entries_.end()) return std::nullopt;  // Nobody asked for it.
  Entry& entry = *found->second;
  entry.stats->update_attempt.Inc();
  if (entry.active.has_value() && entry.active->SameBytes(resource)) {
    entry.refused.reset();
    entry.stats->update_success.Inc();
    return std::nullopt;
  }
  config::Errors errors;
  const uint64_t stamp = rpc::OwnTargets::OfProcess().stamp();
  std::vector<Factory> made;
  for (const Slot* slot : entry.users) {
    made.push_back(compilers_.filter(slot->place, *resource.bytes, errors));
    if (!errors.ok()) break;  // The others would say the same.
  }
  const base::WallTime now = context_.loop.wall_now();
  if (!errors.ok()) {
    std::string reason(errors.ToStatus().message());
    entry.refused = Refusal{ResourceVersion::Of(resource, now), reason};
    entry.stats->update_rejected.Inc();
    entry.stats->config_fail.Inc();
    return reason;
  }
  entry.refused.reset();
  entry.active = ResourceVersion::Of(resource, now);
  entry.own_targets = OwnClusters::NamedSince(stamp);
  entry.targets_deadline = context_.Deadline(kRouteWait);
  entry.stats->update_success.Inc();
  entry.stats->config_reload.Inc();
  entry.stats->version.Set(xds::XxHash64(resource.version));
  entry.stats->version_text.Set(resource.version);
  for (size_t i = 0; i < made.size(); ++i) {
    entry.users[i]->factory = std::move(made[i]);
    Changed(*entry.users[i]);
    entry.users[i]->changed = true;
  }
  return std::nullopt;
}

void ExtensionStore::Remove(const SourceKey& source, const std::string& name) {
  const auto found = entries_.find(Key(name, source));
  if (found == entries_.end() || !found->second->active.has_value()) return;
  found->second->active.reset();
  found->second->own_targets.clear();
  for (Slot* slot : found->second->users) {
    slot->factory = nullptr;  // The default stands there again.
    slot->changed = true;
    Changed(*slot);
  }
}

void ExtensionStore::Drop(const SourceKey& source, const std::string& name) {
  const auto found = entries_.find(Key(name, source));
  if (found != entries_.end() && found->second->users.empty()) entries_.erase(found);
}

std::optional<std::string> ExtensionStore::Check(
    const std::vector<filter::DiscoveredFilter>& places) const {
  for (const filter::DiscoveredFilter& place : places) {
    std::optional<std::string> problem =
        context_.SourceProblem(xds::kExtensionConfigType, place.source, place.name,
                               absl::StrCat("config_discovery of filter ", place.name));
    if (problem.has_value()) return problem;
  }
  return std::nullopt;
}

void ExtensionStore::Changed(const Slot& slot) {
  changed_.insert(*slot.listener);
  context_.Pump();
}

void ExtensionStore::Join(Slot& slot) {
  Entry& entry = EntryOf(slot.key());
  slot.entry = &entry;
  slot.claim = context_.wanted.Claim(xds::kExtensionConfigType, slot.place.source, slot.place.name);
  entry.users.push_back(&slot);
  if (!entry.active.has_value()) return;
  config::Errors errors;
  slot.factory = compilers_.filter(slot.place, *entry.active->bytes, errors);
  if (errors.ok()) return;
  entry.stats->config_conflict.Inc();
  const std::string why(errors.ToStatus().message());
  PX_LOG(kConfig, kWarn, "listener ", *slot.listener, ": the filter ", slot.place.name,
         " that discovery sent does not suit it: ", why);
}

void ExtensionStore::Leave(Slot& slot) {
  auto& users = slot.entry->users;
  users.erase(absl::c_find(users, &slot));
}

void ExtensionStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [key, entry] : entries_) {
    ResourceView view{key.first};
    if (entry->active.has_value()) view.active = &*entry->active;
    if (entry->refused.has_value()) view.refused = &*entry->refused;
    visit(view);
  }
}

ExtensionUse::ExtensionUse(ExtensionStore& store, std::string listener,
                           const CompiledListener& compiled)
    : store_(store), listener_(std::move(listener)), config_(*compiled.config) {
  for (size_t chain = 0; chain < config_.chains.size(); ++chain) {
    const downstream::HttpConfig* http = config_.chains[chain]->http.get();
    if (http == nullptr || compiled.Keeps(chain)) continue;
    for (const filter::DiscoveredFilter& place : http->discovered) {
      slots_.push_back(std::make_unique<ExtensionStore::Slot>(
          ExtensionStore::Slot{&listener_, chain, place, nullptr, NameClaim()}));
      store_.Join(*slots_.back());
    }
  }
}

ExtensionUse::~ExtensionUse() {
  for (const auto& slot : slots_) store_.Leave(*slot);
}

void ExtensionUse::Adopt(ExtensionUse& before, absl::Span<const int32_t> kept) {
  absl::flat_hash_map<size_t, size_t> places;  // Of chains, by those before.
  for (size_t chain = 0; chain < kept.size(); ++chain) {
    if (kept[chain] >= 0) places.emplace(static_cast<size_t>(kept[chain]), chain);
  }
  std::vector<std::unique_ptr<ExtensionStore::Slot>> left;
  for (auto& slot : before.slots_) {
    const auto place = places.find(slot->chain);
    if (place == places.end()) {
      left.push_back(std::move(slot));
      continue;
    }
    slot->listener = &listener_;
    slot->chain = place->second;
    slots_.push_back(std::move(slot));
  }
  before.slots_ = std::move(left);
}

bool ExtensionUse::ready() const {
  return absl::c_all_of(
      slots_, [](const auto& slot) { return slot->factory != nullptr || !slot->place.warms; });
}

base::MonoTime ExtensionUse::LooksUpUntil(const ClusterStore& clusters) const {
  base::MonoTime until = 0;
  const base::MonoTime now = store_.context_.loop.now();
  for (const auto& slot : slots_) {
    const base::MonoTime deadline = slot->entry->targets_deadline;
    if (deadline > now && clusters.AnyUnready(slot->entry->own_targets)) {
      until = std::max(until, deadline);
    }
  }
  return until;
}

base::Nanos ExtensionUse::timeout() const {
  base::Nanos longest = 1;  // Nothing is awaited: any time will do.
  for (const auto& slot : slots_) {
    if (slot->factory != nullptr || !slot->place.warms) continue;
    if (slot->place.timeout == 0) return 0;
    longest = std::max(longest, slot->place.timeout);
  }
  return longest;
}

std::shared_ptr<const filter::FilterFactories> ExtensionUse::FiltersOf(size_t chain) const {
  auto filters = std::make_unique<filter::FilterFactories>(config_.chains[chain]->http->filters);
  for (const auto& slot : slots_) {
    if (slot->chain == chain && slot->factory != nullptr) {
      (*filters)[slot->place.index] = slot->factory;
    }
  }
  return filters;
}

std::vector<std::shared_ptr<const filter::FilterFactories>> ExtensionUse::Filters() const {
  std::vector<std::shared_ptr<const filter::FilterFactories>> all(config_.chains.size());
  for (const auto& slot : slots_) {
    if (all[slot->chain] == nullptr) all[slot->chain] = FiltersOf(slot->chain);
  }
  return all;
}

void ExtensionUse::TakeChanged(
    absl::FunctionRef<void(size_t chain, std::shared_ptr<const filter::FilterFactories>)> visit) {
  std::set<size_t> chains;
  for (const auto& slot : slots_) {
    if (std::exchange(slot->changed, false)) chains.insert(slot->chain);
  }
  for (const size_t chain : chains) visit(chain, FiltersOf(chain));
}

}  // namespace proxenos::server
