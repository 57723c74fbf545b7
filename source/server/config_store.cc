// Taking, settling, publishing.
#include "source/server/config_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/xds/any_resource.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

ConfigStore::ConfigStore(event::EventLoop& loop, stats::Registry& registry, Compilers compilers,
                         ConfigStoreHooks hooks)
    : loop_(loop),
      compilers_(std::move(compilers)),
      hooks_(std::move(hooks)),
      deadline_timer_(loop.timers(), [this] { loop_.Schedule(this); }),
      graveyard_(loop),
      runtime_(Context(), compilers_, registry),
      secrets_(Context(), compilers_, registry),
      extensions_(Context(), compilers_, registry),
      clusters_(Context(), compilers_, secrets_,
                {std::move(hooks_.make_dns), std::move(hooks_.health), hooks_.report_load},
                registry),
      own_clusters_(clusters_),
      cluster_demands_(Context(), clusters_, std::move(hooks_.find_demand_source)),
      routes_(Context(), compilers_, {clusters_, secrets_, uses_}, registry),
      scopes_(Context(), compilers_, routes_, registry),
      listeners_(Context(), compilers_,
                 {clusters_, routes_, scopes_, secrets_, extensions_, uses_,
                  std::move(hooks_.admit_listener), hooks_.drain_time}) {}

ConfigStore::~ConfigStore() = default;

std::vector<xds::ResourceError> ConfigStore::Apply(const SourceKey& source,
                                                   const xds::TypeUpdate& update) {
  std::vector<xds::ResourceError> errors;
  versions_[update.type_url] = update.version;
  if (update.type_url == xds::kVirtualHostType) return routes_.TakeHosts(source, update);
  if (update.type_url == xds::kScopedRouteType) return scopes_.Take(source, update);
  // First what goes: a listener may take over the address of one that is removed.
  for (const std::string& name : update.removed) Remove(source, update.type_url, name);
  for (const xds::Resource& resource : update.resources) {
    std::optional<std::string> problem = Take(source, resource);
    if (problem.has_value()) errors.push_back({resource.name, *std::move(problem)});
  }
  if (update.type_url == xds::kEndpointType) {
    for (const std::string& name : update.renewed) clusters_.RenewAssignment(source, name);
  }
  if (update.type_url == xds::kClusterType) {
    for (const std::string& name : update.removed) cluster_demands_.NoteRemoved(name);
    for (const xds::ResourceError& error : errors) cluster_demands_.NoteRefused(error.name);
  }
  if (update.type_url == xds::kRouteType) routes_.CountStep(update, errors);
  return errors;
}

void ConfigStore::Remove(const SourceKey& source, const std::string& type_url,
                         const std::string& name) {
  if (type_url == xds::kClusterType) clusters_.Remove(name);
  if (type_url == xds::kListenerType) listeners_.Remove(name);
  if (type_url == xds::kExtensionConfigType) extensions_.Remove(source, name);
  if (type_url == xds::kRuntimeType) runtime_.Remove(source, name);
  // As long as something in force names these, the last good ones serve; but nobody waits for what
  // the control plane says is not there.
  if (type_url == xds::kEndpointType) clusters_.TakeMissingAssignment(source, name);
  if (type_url == xds::kRouteType) routes_.TakeMissing(source, name);
}

std::optional<std::string> ConfigStore::Take(const SourceKey& source,
                                             const xds::Resource& resource) {
  if (resource.type_url == xds::kClusterType) return clusters_.Take(resource, false);
  if (resource.type_url == xds::kEndpointType) return clusters_.TakeAssignment(source, resource);
  if (resource.type_url == xds::kListenerType) return listeners_.Take(resource, false);
  if (resource.type_url == xds::kRouteType) return routes_.Take(source, resource);
  if (resource.type_url == xds::kSecretType) return secrets_.Take(source, resource);
  if (resource.type_url == xds::kExtensionConfigType) return extensions_.Take(source, resource);
  if (resource.type_url == xds::kRuntimeType) return runtime_.Take(source, resource);
  return absl::StrCat("resources of type ", resource.type_url, " are not implemented");
}

void ConfigStore::Ask(const Demand& demand) {
  if (demand.kind == Demand::Kind::kHost) {
    routes_.Ask(demand);
  } else {
    cluster_demands_.Ask(demand);
  }
}

std::vector<xds::ResourceError> ConfigStore::AddStatic(const std::string& type_url,
                                                       const std::string& bytes) {
  absl::StatusOr<std::string> name = xds::ResourceName(bytes);
  xds::Resource resource;
  resource.type_url = type_url;
  resource.bytes = std::make_shared<const std::string>(bytes);
  if (!name.ok()) {
    // A static listener needs no name of its own.
    if (type_url != xds::kListenerType) return {{"", std::string(name.status().message())}};
    name = UnnamedListener(bytes);
  }
  resource.name = *name;
  std::optional<std::string> problem =
      type_url == xds::kClusterType  ? clusters_.Take(resource, true)
      : type_url == xds::kSecretType ? secrets_.AddStatic(resource)
                                     : listeners_.Take(resource, true);
  if (!problem.has_value()) return {};
  return {{resource.name, *std::move(problem)}};
}

void ConfigStore::Run() {
  Batch batch;
  const event::WorkSlice slice(loop_);
  secrets_.SettleCells();
  // Each store looks at those before it: one pass moves all that can move.
  runtime_.Settle(batch);
  own_clusters_.Settle();
  bool settled = clusters_.Settle(slice, batch);
  cluster_demands_.Settle(batch);
  routes_.Settle(batch);
  listeners_.Settle(batch);
  DropUnclaimed(batch);
  settled &= clusters_.SettleRemovals([this](const std::string& name) { return uses_.Uses(name); },
                                      slice, batch);
  DropUnclaimed(batch);

  for (const WantedNames::Change& change : wanted_.TakeChanged()) hooks_.want(change);
  const base::MonoTime next =
      std::min({runtime_.NextDeadline(), clusters_.NextDeadline(), cluster_demands_.NextDeadline(),
                routes_.NextDeadline(), listeners_.NextDeadline()});
  if (!settled) {
    deadline_timer_.ArmAt(loop_.now());  // In the next turn.
  } else if (next == base::kNever) {
    deadline_timer_.Disarm();
  } else {
    deadline_timer_.ArmAt(next);
  }
  if (!batch.empty()) hooks_.publish(std::move(batch));
}

void ConfigStore::DropUnclaimed(Batch& batch) {
  for (const WantedNames::Name& name : wanted_.TakeUnclaimed()) {
    if (name.type_url == xds::kRouteType) routes_.Drop(name.source, name.name, batch);
    if (name.type_url == xds::kEndpointType) clusters_.DropAssignment(name.source, name.name);
    if (name.type_url == xds::kScopedRouteType) scopes_.Drop(name.source, name.name);
    if (name.type_url == xds::kExtensionConfigType) extensions_.Drop(name.source, name.name);
    if (name.type_url == xds::kSecretType) secrets_.Drop(name.source, name.name);
  }
}

const std::string& ConfigStore::VersionOf(const std::string& type_url) const {
  static const std::string* const kNone = new std::string;
  const auto found = versions_.find(type_url);
  return found == versions_.end() ? *kNone : found->second;
}

}  // namespace proxenos::server
