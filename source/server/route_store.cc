// Routes wait for clusters, and the first time for hosts; not for ever.
#include "source/server/route_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/log.h"
#include "source/server/own_clusters.h"
#include "source/server/route_version.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

RouteStore::RouteStore(StoreContext context, Compilers& compilers, RouteNeighbours neighbours,
                       stats::Registry& registry)
    : context_(context),
      compilers_(compilers),
      clusters_(neighbours.clusters),
      secrets_(neighbours.secrets),
      uses_(neighbours.uses),
      registry_(registry),
      stats_(registry) {}

RouteStore::~RouteStore() = default;

bool RouteStore::MustWait(const route::RouteTable& table, const ClusterStore& clusters) {
  return clusters.AnyUnready(table.cluster_names());
}

bool RouteStore::Lacks(const Version& version) const {
  return MustWait(*version.snapshot->table, clusters_) ||
         clusters_.AnyUnready(version.own_targets) || !AreThere(version.secrets);
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
  std::unique_ptr<Entry>& slot = routes_[resource.name];
  if (slot == nullptr) slot = std::make_unique<Entry>();
  Entry& entry = *slot;
  entry.source = source;
  const Version* newest = entry.warming != nullptr ? entry.warming.get() : entry.active.get();
  if (newest != nullptr && newest->resource.SameBytes(resource)) {
    entry.refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  std::unique_ptr<Version> version = MakeVersion(resource, entry, errors);
  if (!errors.ok()) {
    std::string reason(errors.ToStatus().message());
    entry.refused = Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason};
    return reason;
  }
  entry.refused.reset();
  entry.missing = false;
  entry.warming = std::move(version);
  warming_.insert(resource.name);
  context_.Pump();
  return std::nullopt;
}

std::unique_ptr<RouteStore::Version> RouteStore::MakeVersion(const xds::Resource& resource,
                                                             Entry& entry, config::Errors& errors) {
  auto version = std::make_unique<Version>();
  const uint64_t stamp = tls::SecretCells::OfProcess().stamp();
  const uint64_t targets_stamp = rpc::OwnTargets::OfProcess().stamp();
  version->snapshot = compilers_.routes(*resource.bytes, Origin::kDiscovery, errors);
  if (version->snapshot == nullptr) return nullptr;
  version->secrets = tls::SecretCells::OfProcess().NamedSince(stamp);
  version->own_targets = OwnClusters::NamedSince(targets_stamp);
  const route::RouteTable& table = *version->snapshot->table;
  version->resource = ResourceVersion::Of(resource, context_.loop.wall_now());
  version->deadline = context_.Deadline(kRouteWait);
  // Discovered routes may name clusters that are still to come, unless they say otherwise.
  version->validates = table.validate_clusters().value_or(false);
  if (auto unknown = CheckClusters(table, version->validates, clusters_)) {
    errors.Add(config::Path(), *unknown);
  }
  if (auto unknown = secrets_.Check(version->secrets)) errors.Add(config::Path(), *unknown);
  version->discovers = table.discovers_hosts();
  if (version->discovers) {
    AddHosts(resource.name, *compilers_.hosts_origin(*resource.bytes), *version, entry, errors);
  } else if (errors.ok()) {
    entry.next_hosts.reset();
  }
  return version;
}

void RouteStore::TakeMissing(const SourceKey& source, const std::string& name) {
  std::unique_ptr<Entry>& entry = routes_[name];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    entry->source = source;
  }
  entry->missing = entry->active == nullptr && entry->warming == nullptr;
  context_.Pump();
}

void RouteStore::Drop(const SourceKey& source, const std::string& name, Batch& batch) {
  // Who names it may ask for it elsewhere by now.
  if (!context_.wanted.WantedElsewhere(xds::kRouteType, source, name)) stats_.Close(name);
  const auto found = routes_.find(name);
  if (found == routes_.end() || found->second->source != source) return;
  Entry& entry = *found->second;
  if (entry.active != nullptr) {
    uses_.Drop(*entry.active->snapshot->table);
    context_.graveyard.Bury(std::move(entry.active->snapshot));
    batch.removed_routes.push_back(name);
  }
  if (entry.hosts != nullptr) {
    for (const std::string& authority : entry.hosts->demands().Asked()) {
      batch.answers.push_back(
          {{Demand::Kind::kHost, name, authority}, filter::OnDemand::Outcome::kMissing});
    }
  }
  for (auto* names : {&warming_, &changed_, &untold_, &demanding_}) names->erase(name);
  routes_.erase(found);
}

bool RouteStore::Waits(Entry& entry, base::MonoTime now) const {
  const Version& version = *entry.warming;
  if (Lacks(version) && now < version.deadline) return true;
  const RouteHosts* hosts = entry.hosts_of_warming();
  return hosts != nullptr && !hosts->answered() && now < version.hosts_deadline;
}

void RouteStore::Settle(Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  SettleHosts(now);
  for (auto it = warming_.begin(); it != warming_.end();) {
    Entry& entry = *routes_[*it];
    if (Waits(entry, now)) {
      ++it;
      continue;
    }
    Activate(*it, entry, batch);
    it = warming_.erase(it);
  }
  TellAll();
  std::move(answers_.begin(), answers_.end(), std::back_inserter(batch.answers));
  answers_.clear();
}

void RouteStore::Activate(const std::string& name, Entry& entry, Batch& batch) {
  if (Lacks(*entry.warming)) {
    PX_LOG(kConfig, kWarn, "routes ", name, ": their clusters or secrets did not come in time");
  }
  uses_.Add(*entry.warming->snapshot->table);
  if (entry.active != nullptr) {
    uses_.Drop(*entry.active->snapshot->table);
    context_.graveyard.Bury(std::move(entry.active->snapshot));
  }
  entry.active = std::move(entry.warming);
  batch.routes.push_back({name, entry.active->snapshot});
  stats_.CountReload(name);
  ActivateHosts(name, entry);
}

base::MonoTime RouteStore::NextDeadline() const {
  base::MonoTime next = NextHostsDeadline();
  const base::MonoTime now = context_.loop.now();
  for (const std::string& name : warming_) {
    const Version& version = *routes_.find(name)->second->warming;
    // One that is over is not waited for any more.
    for (const base::MonoTime deadline : {version.deadline, version.hosts_deadline}) {
      if (deadline > now) next = std::min(next, deadline);
    }
  }
  return next;
}

bool RouteStore::Awaits(const std::string& name) const {
  const auto found = routes_.find(name);
  return found == routes_.end() || !(found->second->active != nullptr || found->second->missing);
}

void RouteStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, entry] : routes_) {
    ResourceView view{name};
    if (entry->active != nullptr) view.active = &entry->active->shown();
    if (entry->warming != nullptr) view.warming = &entry->warming->shown();
    if (entry->refused.has_value()) view.refused = &*entry->refused;
    visit(view);
  }
}

}  // namespace proxenos::server
