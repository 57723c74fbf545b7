// Warming, hosts, and the end of clusters.
#include "source/server/cluster_store.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/server/tls_contexts.h"
#include "source/upstream/host_set_update.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {
namespace {

using upstream::DiscoveryKind;

// From so many hosts on, a set of them is not left to a worker to destroy.
constexpr uint32_t kManyHosts = 256;

bool IsDns(const upstream::ClusterConfig& config) {
  return config.discovery == DiscoveryKind::kStrictDns ||
         config.discovery == DiscoveryKind::kLogicalDns;
}

}  // namespace

// One version of a cluster. Its members' destructors end what it waits for.
struct ClusterStore::Version {
  ResourceVersion resource;
  std::shared_ptr<const upstream::ClusterConfig> config;
  std::unique_ptr<ClientContexts> tls;
  NameClaim endpoints;                                   // EDS only.
  std::shared_ptr<const upstream::Assignment> resolved;  // DNS only: the newest answer.
  std::unique_ptr<upstream::DnsCluster> dns;             // DNS only.
  upstream::DnsCounts counted;                           // What of dns->counts() the stats have.
  base::MonoTime endpoints_deadline = base::kNever;
  base::MonoTime secrets_deadline = base::kNever;
};

struct ClusterStore::Cluster {
  std::string name;
  bool is_static = false;
  bool new_endpoints = false;    // The hosts are to be made anew.
  bool new_secrets = false;      // The TLS contexts are.
  bool startup_counted = false;  // In startup_.
  std::unique_ptr<Version> active;
  std::unique_ptr<Version> warming;
  std::optional<Refusal> refused;
  base::MonoTime leaves = base::kNever;  // When a removed one goes at the latest.

  // These outlive changes of the configuration.
  std::shared_ptr<const upstream::CircuitBreakers> breakers =
      std::make_shared<const upstream::CircuitBreakers>();
  std::shared_ptr<const upstream::HostSet> hosts;  // Null before the first activation.
  stats::ScopePin pin;
  stats::Group<stats::ClusterMembershipStats> stats;
};

struct ClusterStore::AssignmentEntry {
  std::optional<ResourceVersion> active;
  std::shared_ptr<const upstream::Assignment> assignment;  // Null until one has come.
  std::optional<Refusal> refused;
  bool missing = false;  // Said not to exist, before there was any.
  // Clusters that use it, or did: a name too many costs a look, no more.
  absl::flat_hash_set<std::string> users;
};

ClusterStore::ClusterStore(StoreContext context, Compilers& compilers, SecretStore& secrets,
                           MakeDns make_dns, stats::Registry& registry)
    : context_(context),
      compilers_(compilers),
      secrets_(secrets),
      make_dns_(std::move(make_dns)),
      registry_(registry) {}

ClusterStore::~ClusterStore() = default;

ClusterStore::AssignmentKey ClusterStore::KeyOf(const upstream::ClusterConfig& config) {
  return {config.eds->ads ? SourceKey() : config.eds->source, config.eds->service_name};
}

std::optional<std::string> ClusterStore::Refuse(Cluster& cluster, const xds::Resource& resource,
                                                std::string reason) {
  cluster.refused = Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason};
  return reason;
}

std::unique_ptr<ClusterStore::Version> ClusterStore::MakeVersion(
    const xds::Resource& resource, std::shared_ptr<const upstream::ClusterConfig> config) {
  auto version = std::make_unique<Version>();
  version->resource = ResourceVersion::Of(resource, context_.loop.wall_now());
  version->config = config;
  version->tls = std::make_unique<ClientContexts>(
      secrets_, SecretOwner{SecretOwner::Kind::kCluster, config->name}, config->tls);
  version->secrets_deadline = context_.Deadline(version->tls->timeout());
  if (config->discovery == DiscoveryKind::kEds) {
    const AssignmentKey key = KeyOf(*config);
    version->endpoints = context_.wanted.Claim(xds::kEndpointType, key.first, key.second);
    version->endpoints_deadline = context_.Deadline(config->eds->initial_fetch_timeout);
    EntryOf(key).users.insert(config->name);
  } else if (IsDns(*config)) {
    Version* self = version.get();  // It owns the look-ups, so they end before it does.
    version->dns =
        make_dns_(config, [this, self](std::shared_ptr<const upstream::Assignment> resolved) {
          self->resolved = std::move(resolved);
          NewEndpoints(self->config->name);
          context_.Pump();
        });
    if (version->dns != nullptr) version->dns->Start();
  }
  return version;
}

std::optional<std::string> ClusterStore::Check(const upstream::ClusterConfig& config) const {
  std::optional<std::string> problem = ClientContexts::Check(secrets_, config.tls);
  if (problem.has_value() || config.eds == nullptr) return problem;
  return context_.SourceProblem(xds::kEndpointType, KeyOf(config).first, config.eds->service_name,
                                "eds_cluster_config.eds_config");
}

std::optional<std::string> ClusterStore::Take(const xds::Resource& resource, bool is_static) {
  std::unique_ptr<Cluster>& slot = clusters_[resource.name];
  if (slot == nullptr) {
    slot = std::make_unique<Cluster>();
    slot->name = resource.name;
    slot->is_static = is_static;
  }
  Cluster& cluster = *slot;
  if (cluster.is_static != is_static) {
    // Not recorded at the static one: that is as good as it was.
    return "a static cluster has this name; it cannot be changed by discovery";
  }
  if (is_static && (cluster.active != nullptr || cluster.warming != nullptr))
    return "a cluster of this name was defined before";

  if (std::exchange(cluster.leaves, base::kNever) != base::kNever) leaving_.erase(cluster.name);
  Version* const newest = cluster.warming != nullptr ? cluster.warming.get() : cluster.active.get();
  if (newest != nullptr && newest->resource.SameBytes(resource)) {
    cluster.refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  std::shared_ptr<const upstream::ClusterConfig> config = compilers_.cluster(
      *resource.bytes, is_static ? Origin::kBootstrap : Origin::kDiscovery, errors);
  if (config == nullptr) return Refuse(cluster, resource, std::string(errors.ToStatus().message()));
  std::optional<std::string> problem = Check(*config);
  if (problem.has_value()) return Refuse(cluster, resource, *std::move(problem));

  cluster.refused.reset();
  // Made before the old one goes: what both want is wanted throughout.
  std::unique_ptr<Version> version = MakeVersion(resource, std::move(config));
  for (const base::MonoTime deadline : {version->endpoints_deadline, version->secrets_deadline}) {
    if (deadline != base::kNever) deadlines_.emplace(deadline, cluster.name);
  }
  Retire(std::exchange(cluster.warming, std::move(version)));
  CountStartup(cluster);
  warming_.insert(cluster.name);
  due_.insert(cluster.name);
  context_.Pump();
  return std::nullopt;
}

void ClusterStore::CountStartup(Cluster& cluster) {
  const bool counts = cluster.active == nullptr && cluster.warming != nullptr &&
                      cluster.warming->config->wait_for_warm_on_init;
  startup_ += counts;
  startup_ -= std::exchange(cluster.startup_counted, counts);
}

void ClusterStore::NewEndpoints(const std::string& name) {
  const auto found = clusters_.find(name);
  if (found == clusters_.end()) return;
  found->second->new_endpoints = true;
  due_.insert(name);
}

void ClusterStore::Remove(const std::string& name) {
  const auto found = clusters_.find(name);
  if (found == clusters_.end() || found->second->is_static) return;
  Cluster& cluster = *found->second;
  cluster.refused.reset();
  Retire(std::move(cluster.warming));
  CountStartup(cluster);
  warming_.erase(name);
  cluster.leaves = context_.loop.now() + kRemovalGrace;
  leaving_.insert(name);
  context_.Pump();
}

ClusterStore::AssignmentEntry& ClusterStore::EntryOf(AssignmentKey key) {
  std::unique_ptr<AssignmentEntry>& entry = assignments_[std::move(key)];
  if (entry == nullptr) entry = std::make_unique<AssignmentEntry>();
  return *entry;
}

std::optional<std::string> ClusterStore::TakeAssignment(const SourceKey& source,
                                                        const xds::Resource& resource) {
  AssignmentEntry& entry = EntryOf({source, resource.name});
  config::Errors errors;
  std::shared_ptr<const upstream::Assignment> assignment =
      compilers_.assignment(*resource.bytes, Origin::kDiscovery, errors);
  if (assignment == nullptr) {
    std::string reason(errors.ToStatus().message());
    entry.refused = Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason};
    return reason;
  }
  entry.refused.reset();
  entry.missing = false;
  entry.active = ResourceVersion::Of(resource, context_.loop.wall_now());
  entry.assignment = std::move(assignment);
  TellUsers(entry);
  return std::nullopt;
}

void ClusterStore::TellUsers(const AssignmentEntry& entry) {
  for (const std::string& name : entry.users) NewEndpoints(name);
  context_.Pump();
}

void ClusterStore::TakeMissingAssignment(const SourceKey& source, const std::string& name) {
  AssignmentEntry& entry = EntryOf({source, name});
  entry.missing = entry.assignment == nullptr;
  TellUsers(entry);
}

bool ClusterStore::HasNoEndpoints(const Version& version) const {
  if (version.config->discovery != DiscoveryKind::kEds) return false;
  const auto entry = assignments_.find(KeyOf(*version.config));
  return entry != assignments_.end() && entry->second->missing;
}

void ClusterStore::DropAssignment(const SourceKey& source, const std::string& name) {
  assignments_.erase(AssignmentKey(source, name));
}

const upstream::Assignment* ClusterStore::EndpointsOf(const Version& version) const {
  if (version.config->discovery == DiscoveryKind::kEds) {
    const auto entry = assignments_.find(KeyOf(*version.config));
    return entry == assignments_.end() ? nullptr : entry->second->assignment.get();
  }
  return IsDns(*version.config) ? version.resolved.get() : version.config->assignment.get();
}

bool ClusterStore::Settle(const event::WorkSlice& slice, Batch& batch) {
  CollectDue();
  while (!due_.empty()) {
    const auto found = clusters_.find(*due_.begin());
    due_.erase(due_.begin());
    if (found != clusters_.end()) SettleOne(*found->second, batch);
    if (slice.over()) return due_.empty();
  }
  return true;
}

void ClusterStore::CollectDue() {
  while (!deadlines_.empty() && deadlines_.begin()->first <= context_.loop.now()) {
    due_.insert(std::move(deadlines_.begin()->second));
    deadlines_.erase(deadlines_.begin());
  }
  for (const std::string& name : secrets_.TakeChanged(SecretOwner::Kind::kCluster)) {
    const auto found = clusters_.find(name);
    if (found == clusters_.end()) continue;
    found->second->new_secrets = true;
    due_.insert(name);
  }
}

bool ClusterStore::Ready(const Cluster& cluster) const {
  const Version& version = *cluster.warming;
  const base::MonoTime now = context_.loop.now();
  const bool no_endpoints = EndpointsOf(version) == nullptr;
  const bool no_secrets = !version.tls->ready();
  if (no_endpoints && !HasNoEndpoints(version) && now < version.endpoints_deadline) return false;
  if (no_secrets && now < version.secrets_deadline) return false;
  if (no_endpoints) {
    PX_LOG(kUpstream, kWarn, "cluster ", cluster.name, ": no endpoints",
           HasNoEndpoints(version) ? " known" : " in time", ", goes on without");
  }
  if (no_secrets) {
    PX_LOG(kUpstream, kWarn, "cluster ", cluster.name,
           ": no secrets in time, cannot connect for now");
  }
  return true;
}

void ClusterStore::SettleOne(Cluster& cluster, Batch& batch) {
  if (cluster.warming != nullptr && Ready(cluster)) return Activate(cluster, batch);
  if (cluster.active == nullptr) return;
  // What is new may be for the warming version alone: then nothing changes here.
  if (std::exchange(cluster.new_endpoints, false) && EndpointsOf(*cluster.active) != nullptr &&
      RebuildHosts(cluster)) {
    batch.hosts.push_back({cluster.name, cluster.hosts});
  }
  if (!std::exchange(cluster.new_secrets, false)) return;
  ClientContexts& tls = *cluster.active->tls;
  tls.Refresh([&batch, &cluster, &tls](size_t socket) {
    batch.cluster_tls.push_back({cluster.name, socket, tls.contexts()[socket]});
  });
}

void ClusterStore::Activate(Cluster& cluster, Batch& batch) {
  const bool first = cluster.active == nullptr;
  Retire(std::exchange(cluster.active, std::move(cluster.warming)));
  const upstream::ClusterConfig& config = *cluster.active->config;
  if (!first) {
    ++counts_.modified;
  } else {
    ++counts_.added;
    ++active_;
    cluster.pin = registry_.Pin<stats::ClusterStats>(stats::ClusterScope(config.stat_name()));
    cluster.stats =
        registry_.Open<stats::ClusterMembershipStats>(stats::ClusterScope(config.stat_name()));
  }
  CountStartup(cluster);
  warming_.erase(cluster.name);
  cluster.new_endpoints = false;
  cluster.new_secrets = false;
  RebuildHosts(cluster);
  ClientContexts& tls = *cluster.active->tls;
  tls.Refresh([](size_t) {});
  batch.clusters.push_back(
      {cluster.active->config, cluster.breakers, cluster.hosts, tls.contexts()});
}

bool ClusterStore::RebuildHosts(Cluster& cluster) {
  static const upstream::Assignment kNothing;
  const upstream::Assignment* endpoints = EndpointsOf(*cluster.active);
  upstream::HostSetUpdate update = upstream::BuildHostSet(
      *cluster.active->config, endpoints == nullptr ? kNothing : *endpoints, cluster.hosts);
  const bool changed = update.hosts != cluster.hosts;
  cluster.hosts.swap(update.hosts);
  if (changed && update.hosts != nullptr && update.hosts->size() >= kManyHosts) {
    context_.graveyard.Bury(std::move(update.hosts));
  }

  stats::ClusterMembershipStats& stats = *cluster.stats;
  if (cluster.active->config->discovery == DiscoveryKind::kEds && endpoints != nullptr) {
    stats.update_attempt.Inc();
    stats.update_success.Inc();
    if (endpoints->localities.empty()) stats.update_empty.Inc();
    const auto entry = assignments_.find(KeyOf(*cluster.active->config));
    if (entry != assignments_.end() && entry->second->active) {
      stats.version.Set(xds::XxHash64(entry->second->active->version));
    }
  }
  if (update.membership_changed()) stats.membership_change.Inc();
  if (!update.rebuilt) stats.update_no_rebuild.Inc();
  stats.membership_total.Set(cluster.hosts->size());
  stats.membership_healthy.Set(cluster.hosts->healthy_count());
  stats.membership_degraded.Set(cluster.hosts->degraded_count());
  uint32_t heaviest = 0;
  for (const upstream::HostEntry& host : cluster.hosts->entries()) {
    heaviest = std::max(heaviest, host.weight);
  }
  stats.max_host_weight.Set(heaviest);
  return changed;
}

bool ClusterStore::SettleRemovals(absl::FunctionRef<bool(const std::string&)> in_use,
                                  const event::WorkSlice& slice, Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  for (auto it = leaving_.begin(); it != leaving_.end();) {
    if (slice.over()) return false;
    const auto found = clusters_.find(*it);
    Cluster& cluster = *found->second;
    if (cluster.active != nullptr && now < cluster.leaves && in_use(*it)) {
      ++it;
      continue;
    }
    if (cluster.active != nullptr) {
      batch.removed_clusters.push_back(*it);
      ++counts_.removed;
      --active_;
      Retire(std::move(cluster.active));
    }
    clusters_.erase(found);
    it = leaving_.erase(it);
  }
  return true;
}

void ClusterStore::Retire(std::unique_ptr<Version> version) {
  if (version == nullptr) return;
  // Now: what is wanted is looked at before the turn ends.
  version->endpoints = NameClaim();
  version->tls.reset();
  // A look-up of it may be on the stack, or call it once more in this turn.
  context_.loop.Retire(std::move(version));
}

base::MonoTime ClusterStore::NextDeadline() const {
  base::MonoTime next = deadlines_.empty() ? base::kNever : deadlines_.begin()->first;
  for (const std::string& name : leaving_) {
    next = std::min(next, clusters_.find(name)->second->leaves);
  }
  return next;
}

bool ClusterStore::Has(absl::string_view name) const {
  const auto found = clusters_.find(name);
  return found != clusters_.end() &&
         (found->second->active != nullptr || found->second->warming != nullptr);
}

bool ClusterStore::Unready(absl::string_view name) const {
  const auto found = clusters_.find(name);
  return found != clusters_.end() && found->second->active == nullptr &&
         found->second->warming != nullptr;
}

const upstream::ClusterConfig* ClusterStore::Find(absl::string_view name) const {
  const auto found = clusters_.find(name);
  if (found == clusters_.end()) return nullptr;
  const Cluster& cluster = *found->second;
  const Version* version = cluster.active != nullptr ? cluster.active.get() : cluster.warming.get();
  return version == nullptr ? nullptr : version->config.get();
}

void ClusterStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, cluster] : clusters_) {
    ResourceView view{name, cluster->is_static};
    if (cluster->active != nullptr) view.active = &cluster->active->resource;
    if (cluster->warming != nullptr) view.warming = &cluster->warming->resource;
    if (cluster->refused.has_value()) view.refused = &*cluster->refused;
    visit(view);
  }
}

void ClusterStore::ForEachAssignment(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [key, entry] : assignments_) {
    if (!entry->active.has_value() && !entry->refused.has_value()) continue;
    ResourceView view{key.second};
    if (entry->active.has_value()) view.active = &*entry->active;
    if (entry->refused.has_value()) view.refused = &*entry->refused;
    visit(view);
  }
}

void ClusterStore::ForEachActive(absl::FunctionRef<void(const ClusterView&)> visit) const {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active == nullptr) continue;
    visit({*cluster->active->config, *cluster->hosts, *cluster->breakers, !cluster->is_static});
  }
}

void ClusterStore::ForEachContext(absl::FunctionRef<void(const tls::Context&)> visit) const {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active == nullptr) continue;
    for (const auto& context : cluster->active->tls->contexts()) {
      if (context != nullptr) visit(*context);
    }
  }
}

void ClusterStore::RefreshStats() {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active == nullptr || cluster->active->dns == nullptr) continue;
    Version& version = *cluster->active;
    const upstream::DnsCounts now = version.dns->counts();
    cluster->stats->update_attempt.Add(now.attempts - version.counted.attempts);
    cluster->stats->update_success.Add(now.successes - version.counted.successes);
    cluster->stats->update_failure.Add(now.failures - version.counted.failures);
    cluster->stats->update_empty.Add(now.empty - version.counted.empty);
    version.counted = now;
  }
}

}  // namespace proxenos::server
