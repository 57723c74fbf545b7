// Routes wait for clusters, not for ever.
#include "source/server/route_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/log.h"

namespace proxenos::server {

RouteStore::RouteStore(StoreContext context, Compilers& compilers, const ClusterStore& clusters,
                       const SecretStore& secrets, ClusterUses& uses)
    : context_(context),
      compilers_(compilers),
      clusters_(clusters),
      secrets_(secrets),
      uses_(uses) {}

RouteStore::~RouteStore() = default;

bool RouteStore::MustWait(const route::RouteTable& table, const ClusterStore& clusters) {
  for (const std::string& name : table.cluster_names()) {
    if (clusters.Unready(name)) return true;
  }
  return false;
}

std::optional<std::string> RouteStore::CheckClusters(const route::RouteTable& table, bool check,
                                                     const ClusterStore& clusters) {
  if (!check) return std::nullopt;
  std::vector<std::string> unknown;
  for (const std::string& name : table.cluster_names()) {
    if (!clusters.Has(name)) unknown.push_back(name);
  }
  if (unknown.empty()) return std::nullopt;
  return absl::StrCat("routes of ", table.name().empty() ? "this listener" : table.name(),
                      " name unknown clusters: ", absl::StrJoin(unknown, ", "));
}

std::optional<std::string> RouteStore::Take(const SourceKey& source,
                                            const xds::Resource& resource) {
  std::unique_ptr<Entry>& entry = routes_[resource.name];
  if (entry == nullptr) entry = std::make_unique<Entry>();
  entry->source = source;
  const base::WallTime now = context_.loop.wall_now();
  const Version* newest = entry->warming.has_value()  ? &*entry->warming
                          : entry->active.has_value() ? &*entry->active
                                                      : nullptr;
  if (newest != nullptr && newest->resource.SameBytes(resource)) {
    entry->refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  const uint64_t stamp = tls::SecretCells::OfProcess().stamp();
  std::shared_ptr<const downstream::RouteSnapshot> snapshot =
      compilers_.routes(*resource.bytes, Origin::kDiscovery, errors);
  std::vector<tls::SecretCellPtr> secrets = tls::SecretCells::OfProcess().NamedSince(stamp);
  std::optional<std::string> reason;
  if (snapshot == nullptr) {
    reason = std::string(errors.ToStatus().message());
  } else {
    // Discovered routes may name clusters that are still to come, unless they say otherwise.
    reason = CheckClusters(*snapshot->table, snapshot->table->validate_clusters().value_or(false),
                           clusters_);
    if (!reason.has_value()) reason = secrets_.Check(secrets);
  }
  if (reason.has_value()) {
    entry->refused = Refusal{ResourceVersion::Of(resource, now), *reason};
    return reason;
  }
  entry->refused.reset();
  entry->missing = false;
  entry->warming = Version{ResourceVersion::Of(resource, now), std::move(snapshot),
                           context_.Deadline(kRouteWait), std::move(secrets)};
  warming_.insert(resource.name);
  context_.Pump();
  return std::nullopt;
}

void RouteStore::TakeMissing(const SourceKey& source, const std::string& name) {
  std::unique_ptr<Entry>& entry = routes_[name];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->source = source;
  }
  entry->missing = !entry->active.has_value() && !entry->warming.has_value();
  context_.Pump();
}

void RouteStore::Drop(const SourceKey& source, const std::string& name, Batch& batch) {
  const auto found = routes_.find(name);
  if (found == routes_.end() || found->second->source != source) return;
  if (found->second->active.has_value()) {
    uses_.Drop(*found->second->active->snapshot->table);
    context_.graveyard.Bury(std::move(found->second->active->snapshot));
    batch.removed_routes.push_back(name);
  }
  warming_.erase(name);
  routes_.erase(found);
}

void RouteStore::Settle(Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  for (auto it = warming_.begin(); it != warming_.end();) {
    Entry& entry = *routes_[*it];
    const bool wait =
        MustWait(*entry.warming->snapshot->table, clusters_) || !AreThere(entry.warming->secrets);
    if (wait && now < entry.warming->deadline) {
      ++it;
      continue;
    }
    if (wait) {
      PX_LOG(kConfig, kWarn, "routes ", *it, ": their clusters or secrets did not come in time");
    }
    uses_.Add(*entry.warming->snapshot->table);
    if (entry.active.has_value()) {
      uses_.Drop(*entry.active->snapshot->table);
      context_.graveyard.Bury(std::move(entry.active->snapshot));
    }
    entry.active = std::exchange(entry.warming, std::nullopt);
    batch.routes.push_back({*it, entry.active->snapshot});
    it = warming_.erase(it);
  }
}

base::MonoTime RouteStore::NextDeadline() const {
  base::MonoTime next = base::kNever;
  for (const std::string& name : warming_) {
    next = std::min(next, routes_.find(name)->second->warming->deadline);
  }
  return next;
}

bool RouteStore::Awaits(const std::string& name) const {
  const auto found = routes_.find(name);
  return found == routes_.end() || !(found->second->active.has_value() || found->second->missing);
}

void RouteStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, entry] : routes_) {
    ResourceView view{name};
    if (entry->active.has_value()) view.active = &entry->active->resource;
    if (entry->warming.has_value()) view.warming = &entry->warming->resource;
    if (entry->refused.has_value()) view.refused = &*entry->refused;
    visit(view);
  }
}

}  // namespace proxenos::server
