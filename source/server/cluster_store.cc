// Taking, warming, and the end of clusters.
#include "source/server/cluster_store.h"

#include <algorithm>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/server/cluster_version.h"
#include "source/upstream/load_metrics.h"

namespace proxenos::server {

namespace {

using upstream::DiscoveryKind;

// Whether an aggregate cluster stands for itself, by what it and the others name.
bool GoesInCircles(const upstream::ClusterConfig& config, const ClusterStore& known) {
  std::vector<std::string> open = *config.aggregated;
  std::set<std::string> seen;
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    if (name == config.name) return true;
    if (!seen.insert(name).second) continue;
    const upstream::ClusterConfig* other = known.Find(name);
    if (other == nullptr || other->aggregated == nullptr) continue;
    open.insert(open.end(), other->aggregated->begin(), other->aggregated->end());
  }
  return false;
}

}  // namespace

ClusterStore::ClusterStore(StoreContext context, Compilers& compilers, SecretStore& secrets,
                           ClusterStoreOptions options, stats::Registry& registry)
    : context_(context),
      compilers_(compilers),
      secrets_(secrets),
      options_(std::move(options)),
      registry_(registry),
      reports_(std::make_shared<const upstream::HostReports>(
          context.loop,
          [this](const std::string& cluster, uint64_t host_id, upstream::HostReport report) {
            OnReport(cluster, host_id, report);
          })) {}

ClusterStore::~ClusterStore() = default;

std::optional<std::string> ClusterStore::Refuse(Cluster& cluster, const xds::Resource& resource,
                                                std::string reason) {
  cluster.refused = std::make_unique<Refusal>(
      Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason});
  return reason;
}

std::unique_ptr<ClusterStore::Version> ClusterStore::MakeVersion(
    const xds::Resource& resource, std::shared_ptr<const upstream::ClusterConfig> config,
    FilterSecrets filter_secrets) {
  auto version = std::make_unique<Version>();
  version->config = config;
  if (config->health_check != nullptr || config->outliers != nullptr) {
    version->health = std::make_unique<ClusterHealth>(
        health::Surroundings{context_.loop, registry_, options_.health.log_writer},
        options_.health.outlier_event_log, config,
        [this, name = config->name] { NewHealth(name); });
  }
  version->resource = ResourceVersion::Of(resource, context_.loop.wall_now());
  if (!config->tls.empty()) {
    version->tls = std::make_unique<ClientContexts>(
        secrets_, SecretOwner{SecretOwner::Kind::kCluster, config->name, config->stat_name()},
        config->tls);
    version->secrets_deadline = context_.Deadline(version->tls->timeout());
  }
  if (filter_secrets != nullptr) {
    const base::MonoTime until = DeadlineOf(*filter_secrets, context_);
    version->secrets_deadline =
        version->tls != nullptr ? std::max(version->secrets_deadline, until) : until;
    version->filter_secrets = std::move(filter_secrets);
    without_secrets_.insert(config->name);
  }
  if (config->discovery == DiscoveryKind::kEds) {
    ClaimEndpoints(*version);
    version->endpoints_deadline = context_.Deadline(config->eds->initial_fetch_timeout);
  } else if (IsDns(*config)) {
    version->dns = std::make_unique<DnsState>();
    Version* self = version.get();  // It owns the look-ups, so they end before it does.
    version->dns->cluster = options_.make_dns(
        config, [this, self](std::shared_ptr<const upstream::Assignment> resolved) {
          self->dns->resolved = std::move(resolved);
          NewEndpoints(self->config->name);
          context_.Pump();
        });
    if (version->dns->cluster != nullptr) version->dns->cluster->Start();
  }
  return version;
}

std::optional<std::string> ClusterStore::Check(const upstream::ClusterConfig& config) const {
  if (config.aggregated != nullptr && GoesInCircles(config, *this)) {
    return "cluster_type.typed_config.clusters: the cluster would stand for itself";
  }
  std::optional<std::string> problem = ClientContexts::Check(secrets_, config.tls);
  if (problem.has_value() || config.eds == nullptr) return problem;
  return context_.SourceProblem(xds::kEndpointType, KeyOf(config).source, config.eds->service_name,
                                "eds_cluster_config.eds_config");
}

ClusterStore::Cluster& ClusterStore::FindOrMake(const std::string& name, bool is_static) {
  const auto found = clusters_.find(name);
  if (found != clusters_.end()) return *found->second;
  auto made = std::make_unique<Cluster>();
  if (options_.report_load) {
    made->load = std::make_shared<const upstream::ClusterLoad>(
        std::make_shared<const upstream::LoadMetrics>());
  }
  made->name = name;
  made->is_static = is_static;
  Cluster& cluster = *made;
  clusters_.emplace(cluster.name, std::move(made));
  return cluster;
}

ClusterStore::FilterSecrets ClusterStore::NamedSince(uint64_t stamp) {
  std::vector<tls::SecretCellPtr> named = tls::SecretCells::OfProcess().NamedSince(stamp);
  if (named.empty()) return nullptr;
  return std::make_unique<const std::vector<tls::SecretCellPtr>>(std::move(named));
}

std::optional<std::string> ClusterStore::Take(const xds::Resource& resource, bool is_static) {
  Cluster& cluster = FindOrMake(resource.name, is_static);
  if (cluster.is_static != is_static) {
    // Not recorded at the static one: that is as good as it was.
    return "a static cluster has this name; it cannot be changed by discovery";
  }
  if (is_static && (cluster.active != nullptr || cluster.warming != nullptr))
    return "a cluster of this name was defined before";

  if (std::exchange(cluster.leaves, base::kNever) != base::kNever) {
    leaving_.erase(cluster.name);
    if (cluster.active != nullptr) ClaimEndpoints(*cluster.active);
    context_.Pump();
  }
  Version* const newest = cluster.warming != nullptr ? cluster.warming.get() : cluster.active.get();
  if (newest != nullptr && newest->resource.SameBytes(resource)) {
    cluster.refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  const uint64_t stamp = tls::SecretCells::OfProcess().stamp();
  std::shared_ptr<const upstream::ClusterConfig> config = compilers_.cluster(
      *resource.bytes, is_static ? Origin::kBootstrap : Origin::kDiscovery, errors);
  if (config == nullptr) return Refuse(cluster, resource, std::string(errors.ToStatus().message()));
  FilterSecrets filter_secrets = NamedSince(stamp);
  std::optional<std::string> problem = Check(*config);
  if (!problem.has_value() && filter_secrets != nullptr) problem = secrets_.Check(*filter_secrets);
  if (problem.has_value()) return Refuse(cluster, resource, *std::move(problem));

  cluster.refused.reset();
  // Made before the old one goes: what both want is wanted throughout.
  std::unique_ptr<Version> version =
      MakeVersion(resource, std::move(config), std::move(filter_secrets));
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

void ClusterStore::NewHealth(const std::string& name) {
  const auto found = clusters_.find(name);
  if (found == clusters_.end()) return;
  found->second->new_health = true;
  due_.insert(name);
  context_.Pump();
}

void ClusterStore::Remove(const std::string& name) {
  const auto found = clusters_.find(name);
  if (found == clusters_.end() || found->second->is_static) return;
  Leave(*found->second);
}

void ClusterStore::Leave(Cluster& cluster) {
  cluster.refused.reset();
  Retire(std::move(cluster.warming));
  CountStartup(cluster);
  warming_.erase(cluster.name);
  without_secrets_.erase(cluster.name);
  // Its endpoints serve on, but are not asked for: the control plane knows the name no more, and
  // some leave a question open as long as one of its names is unknown to them.
  if (cluster.active != nullptr) cluster.active->endpoints = NameClaim();
  cluster.leaves = context_.loop.now() + kRemovalGrace;
  leaving_.insert(cluster.name);
  context_.Pump();
}

std::optional<std::string> ClusterStore::TakeOwn(const xds::Resource& resource) {
  FindOrMake(resource.name, /*is_static=*/true).own = true;
  return Take(resource, /*is_static=*/true);
}

void ClusterStore::DropOwn(const std::string& name) {
  const auto found = clusters_.find(name);
  if (found != clusters_.end() && found->second->own) Leave(*found->second);
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
    const std::string& name = deadlines_.begin()->second;
    const auto cluster = clusters_.find(name);
    if (cluster != clusters_.end()) NoteAge(*cluster->second);
    due_.insert(name);
    deadlines_.erase(deadlines_.begin());
  }
  for (const std::string& name : secrets_.TakeChanged(SecretOwner::Kind::kCluster)) {
    const auto found = clusters_.find(name);
    if (found == clusters_.end()) continue;
    found->second->new_secrets = true;
    due_.insert(name);
  }
  due_.insert(without_secrets_.begin(), without_secrets_.end());
}

bool ClusterStore::Ready(Cluster& cluster) {
  const Version& version = *cluster.warming;
  const base::MonoTime now = context_.loop.now();
  const bool no_endpoints = EndpointsOf(version) == nullptr;
  const bool no_secrets = (version.tls != nullptr && !version.tls->ready()) ||
                          (version.filter_secrets != nullptr && !AreThere(*version.filter_secrets));
  if (no_endpoints && !HasNoEndpoints(version) && now < version.endpoints_deadline) return false;
  if (no_secrets && now < version.secrets_deadline) return false;
  if (!no_endpoints && !Checked(cluster)) return false;
  if (no_endpoints) {
    PX_LOG(kUpstream, kWarn, "cluster ", cluster.name, ": no endpoints",
           HasNoEndpoints(version) ? " known" : " in time", ", goes on without");
  }
  if (no_secrets) {
    PX_LOG(kUpstream, kWarn, "cluster ", cluster.name, ": no secrets in time, goes on without");
  }
  without_secrets_.erase(cluster.name);
  return true;
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
      counts_.removed += cluster.own ? 0 : 1;
      active_ -= cluster.own ? 0 : 1;
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
  // Before what comes after it has its say about the hosts.
  version->health.reset();
  version->orca_watch.reset();
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

bool ClusterStore::AnyUnready(const std::vector<std::string>& names) const {
  return std::any_of(names.begin(), names.end(),
                     [this](const std::string& name) { return Unready(name); });
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
    if (cluster->own) continue;
    ResourceView view{cluster->name, cluster->is_static};
    if (cluster->active != nullptr) view.active = &cluster->active->resource;
    if (cluster->warming != nullptr) view.warming = &cluster->warming->resource;
    view.refused = cluster->refused.get();
    visit(view);
  }
}

void ClusterStore::ForEachAssignment(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [source, assignments] : assignments_) {
    for (const auto& [name, entry] : assignments) {
      if (!entry->active.has_value() && entry->refused == nullptr) continue;
      ResourceView view{name};
      if (entry->active.has_value()) view.active = &*entry->active;
      view.refused = entry->refused.get();
      visit(view);
    }
  }
}

void ClusterStore::ForEachActive(absl::FunctionRef<void(const ClusterView&)> visit) const {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active != nullptr && !cluster->own) visit(ViewOf(*cluster));
  }
}

void ClusterStore::VisitActive(absl::string_view name,
                               absl::FunctionRef<void(const ClusterView&)> visit) const {
  const auto found = clusters_.find(name);
  if (found != clusters_.end() && found->second->active != nullptr) visit(ViewOf(*found->second));
}

ClusterView ClusterStore::ViewOf(const Cluster& cluster) {
  const ClusterHealth* health = cluster.active->health.get();
  return {*cluster.active->config,
          *cluster.hosts,
          *cluster.breakers,
          !cluster.is_static,
          health == nullptr ? nullptr : health->outliers(),
          cluster.load.get()};
}

void ClusterStore::ForEachContext(absl::FunctionRef<void(const tls::Context&)> visit) const {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active == nullptr) continue;
    for (const auto& context : ContextsOf(cluster->active->tls.get())) {
      if (context != nullptr) visit(*context);
    }
  }
}

}  // namespace proxenos::server
