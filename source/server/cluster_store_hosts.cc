// The hosts of clusters: made from endpoints, checked, and published.
#include <algorithm>
#include <utility>

#include "source/server/cluster_version.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/subsets.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {
namespace {

using upstream::DiscoveryKind;

// From so many hosts on, a set of them is not left to a worker to destroy.
constexpr uint32_t kManyHosts = 256;

// The subsets of `now`, where those of `before` were; both may be null.
void CountSubsets(const upstream::Subsets* now, const upstream::Subsets* before,
                  stats::ClusterSubsetStats& stats) {
  stats.lb_subsets_created.Add(now == nullptr ? 0 : now->CountMissingIn(before));
  stats.lb_subsets_removed.Add(before == nullptr ? 0 : before->CountMissingIn(now));
  stats.lb_subsets_active.Set(now == nullptr ? 0 : now->size());
  stats.lb_subsets_single_host_per_subset_duplicate.Set(now == nullptr ? 0 : now->duplicates());
}

// Of a cluster with a slow start: which hosts begin to serve now. One that fails its checks begins
// anew when they succeed again.
void NoteRotation(const upstream::ClusterConfig& config, const upstream::HostSet& hosts,
                  base::MonoTime now) {
  if (config.slow_start == nullptr) return;
  for (const upstream::HostEntry& entry : hosts.entries()) {
    std::atomic<base::MonoTime>& since = entry.host->in_rotation_since();
    if ((entry.host->health_bits() & upstream::kFailedActiveCheck) != 0) {
      since.store(0, std::memory_order_relaxed);
    } else if (since.load(std::memory_order_relaxed) == 0) {
      since.store(now, std::memory_order_relaxed);
    }
  }
}

}  // namespace

void ClusterStore::SettleOne(Cluster& cluster, Batch& batch) {
  if (cluster.warming != nullptr && Ready(cluster)) return Activate(cluster, batch);
  if (cluster.active == nullptr) return;
  SettleHosts(cluster, batch);
  if (!std::exchange(cluster.new_secrets, false) || cluster.active->tls == nullptr) return;
  ClientContexts& tls = *cluster.active->tls;
  tls.Refresh([&batch, &cluster, &tls](size_t socket) {
    batch.cluster_tls.push_back({cluster.name, socket, tls.contexts()[socket]});
    if (cluster.active->orca_watch != nullptr) {
      cluster.active->orca_watch->SetTls(socket, tls.contexts()[socket]);
    }
    if (cluster.active->health == nullptr) return;
    cluster.active->health->SetTls(socket, tls.contexts()[socket]);
  });
}

void ClusterStore::SettleHosts(Cluster& cluster, Batch& batch) {
  const bool new_endpoints = std::exchange(cluster.new_endpoints, false);
  const bool new_health = std::exchange(cluster.new_health, false);
  if (!new_endpoints && !new_health) return;
  // What is new may be for the warming version alone: then nothing changes here. A host that was
  // kept because it was healthy may leave now.
  const bool rebuilt = EndpointsOf(*cluster.active) != nullptr && RebuildHosts(cluster);
  if (new_endpoints) CountUpdate(cluster, rebuilt);
  ReleaseEndpoints(*cluster.active);
  if (rebuilt) {
    if (cluster.active->health != nullptr) cluster.active->health->SetHosts(*cluster.hosts);
    if (cluster.active->orca_watch != nullptr) cluster.active->orca_watch->SetHosts(*cluster.hosts);
  } else if (new_health) {
    ShowNewHealth(cluster);
  } else {
    return;
  }
  batch.hosts.push_back(PublishedFrom(cluster));
}

std::shared_ptr<const upstream::PublishedCluster> ClusterStore::PublishedFrom(
    const Cluster& cluster) const {
  const Version& version = *cluster.active;
  return std::make_shared<const upstream::PublishedCluster>(
      upstream::PublishedCluster{version.config, cluster.breakers, cluster.hosts,
                                 ContextsOf(version.tls.get()), reports_, cluster.load});
}

void ClusterStore::Activate(Cluster& cluster, Batch& batch) {
  const bool first = cluster.active == nullptr;
  const bool had_health = !first && cluster.active->health != nullptr;
  Retire(std::exchange(cluster.active, std::move(cluster.warming)));
  if (cluster.active->tls != nullptr) cluster.active->tls->Refresh([](size_t) {});
  const upstream::ClusterConfig& config = *cluster.active->config;
  if (!first) {
    ++counts_.modified;
  } else {
    counts_.added += cluster.own ? 0 : 1;
    active_ += cluster.own ? 0 : 1;
    cluster.pin = registry_.Pin<stats::ClusterStats>(stats::ClusterScope(config.stat_name()));
    cluster.stats =
        registry_.Open<stats::ClusterMembershipStats>(stats::ClusterScope(config.stat_name()));
  }
  CountStartup(cluster);
  warming_.erase(cluster.name);
  // It need not wait for these any more: of thousands they are worth the memory.
  deadlines_.erase({cluster.active->endpoints_deadline, cluster.name});
  deadlines_.erase({cluster.active->secrets_deadline, cluster.name});
  cluster.new_endpoints = false;
  cluster.new_secrets = false;
  cluster.new_health = false;
  CountUpdate(cluster, RebuildHosts(cluster));
  const Version& version = *cluster.active;
  ReleaseEndpoints(version);
  if (had_health || version.health != nullptr) TakeForce(cluster);
  WatchLoad(cluster);
  batch.clusters.push_back(PublishedFrom(cluster));
}

void ClusterStore::WatchLoad(Cluster& cluster) {
  Version& version = *cluster.active;
  if (!health::OrcaWatch::Wanted(*version.config)) return;
  version.orca_watch = std::make_unique<health::OrcaWatch>(
      context_.loop, registry_, version.config, ContextsOf(version.tls.get()),
      cluster.load == nullptr ? nullptr : cluster.load->metrics());
  version.orca_watch->SetHosts(*cluster.hosts);
}

// What the version before found out about hosts gives way to what this one does.
void ClusterStore::TakeForce(Cluster& cluster) {
  const Version& version = *cluster.active;
  if (version.config->health_check != nullptr && !cluster.excluded) {
    cluster.excluded = registry_.Open<stats::ClusterExcludedStats>(
        stats::ClusterScope(version.config->stat_name()));
  }
  if (version.health == nullptr) {
    for (const upstream::HostEntry& entry : cluster.hosts->entries()) {
      entry.host->ClearHealthBits(upstream::kActiveCheckBits);
    }
  } else {
    version.health->StartChecks(ContextsOf(version.tls.get()), cluster.breakers);
    version.health->SetHosts(*cluster.hosts);
    version.health->TakeForce(*cluster.hosts);
  }
  ShowNewHealth(cluster);
}

// Hosts that come into force must have been checked before, or nobody would be sent to them.
bool ClusterStore::Checked(Cluster& cluster) {
  Version& version = *cluster.warming;
  if (version.config->health_check == nullptr) return true;
  version.hosts = upstream::BuildHostSet(*version.config, *EndpointsOf(version),
                                         version.hosts != nullptr ? version.hosts : cluster.hosts)
                      .hosts;
  if (version.tls != nullptr) version.tls->Refresh([](size_t) {});
  version.health->StartChecks(ContextsOf(version.tls.get()), cluster.breakers);
  version.health->SetHosts(*version.hosts);
  return version.health->settled();
}

void ClusterStore::ShowNewHealth(Cluster& cluster) {
  NoteRotation(*cluster.active->config, *cluster.hosts, context_.loop.now());
  Bury(std::exchange(cluster.hosts, upstream::RebuildForHealth(*cluster.hosts)));
  ShowMembership(cluster);
}

void ClusterStore::Bury(std::shared_ptr<const upstream::HostSet> hosts) {
  if (hosts != nullptr && hosts->size() >= kManyHosts) context_.graveyard.Bury(std::move(hosts));
}

void ClusterStore::OnReport(const std::string& cluster, uint64_t host_id,
                            upstream::HostReport report) {
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end() || found->second->active == nullptr) return;
  ClusterHealth* health = found->second->active->health.get();
  if (health != nullptr) health->OnReport(host_id, report);
}

bool ClusterStore::RebuildHosts(Cluster& cluster) {
  static const upstream::Assignment kNothing;
  const upstream::Assignment* endpoints = EndpointsOf(*cluster.active);
  // What was checked while the version warmed is what comes into force.
  const auto known = std::exchange(cluster.active->hosts, nullptr);
  upstream::HostSetUpdate update =
      upstream::BuildHostSet(*cluster.active->config, endpoints == nullptr ? kNothing : *endpoints,
                             known != nullptr ? known : cluster.hosts);
  if (known != nullptr) {
    upstream::CountMembership(*update.hosts, cluster.hosts.get(), update);
  }
  const bool changed = update.hosts != cluster.hosts;
  cluster.hosts.swap(update.hosts);
  if (cluster.load != nullptr) CountLoad(cluster);
  NoteRotation(*cluster.active->config, *cluster.hosts, context_.loop.now());
  const upstream::Subsets* now = cluster.hosts->subsets();
  if (now != nullptr && !cluster.subsets) {
    cluster.subsets = registry_.Open<stats::ClusterSubsetStats>(
        stats::ClusterScope(cluster.active->config->stat_name()));
  }
  if (changed && cluster.subsets) {
    CountSubsets(now, update.hosts == nullptr ? nullptr : update.hosts->subsets(),
                 *cluster.subsets);
  }
  if (changed) Bury(std::move(update.hosts));
  if (update.membership_changed()) cluster.stats->membership_change.Inc();
  ShowMembership(cluster);
  return changed;
}

void ClusterStore::CountLoad(Cluster& cluster) {
  for (const upstream::HostEntry& entry : cluster.hosts->entries()) {
    if (entry.host->load() != nullptr) continue;
    entry.host->SetLoad(std::make_shared<const upstream::LoadCounts>());
  }
}

// Of an assignment that came: counts it.
void ClusterStore::CountUpdate(const Cluster& cluster, bool rebuilt) {
  stats::ClusterMembershipStats& stats = *cluster.stats;
  const upstream::Assignment* endpoints = EndpointsOf(*cluster.active);
  if (!rebuilt) stats.update_no_rebuild.Inc();
  if (cluster.active->config->discovery != DiscoveryKind::kEds || endpoints == nullptr) return;
  stats.update_attempt.Inc();
  stats.update_success.Inc();
  if (endpoints->localities.empty()) stats.update_empty.Inc();
  const AssignmentEntry* entry = FindEntry(KeyOf(*cluster.active->config));
  if (entry != nullptr && entry->active) stats.version.Set(xds::XxHash64(entry->active->version));
}

void ClusterStore::ShowMembership(Cluster& cluster) {
  stats::ClusterMembershipStats& stats = *cluster.stats;
  stats.membership_total.Set(cluster.hosts->size());
  stats.membership_healthy.Set(cluster.hosts->healthy_count());
  stats.membership_degraded.Set(cluster.hosts->degraded_count());
  if (cluster.excluded) {
    cluster.excluded->membership_excluded.Set(cluster.hosts->excluded_count());
  }
  uint32_t heaviest = 0;
  for (const upstream::HostEntry& host : cluster.hosts->entries()) {
    heaviest = std::max(heaviest, host.weight);
  }
  stats.max_host_weight.Set(heaviest);
}

void ClusterStore::RefreshStats() {
  for (const auto& [name, cluster] : clusters_) {
    if (cluster->active == nullptr || cluster->active->dns == nullptr) continue;
    DnsState& dns = *cluster->active->dns;
    if (dns.cluster == nullptr) continue;
    const upstream::DnsCounts now = dns.cluster->counts();
    cluster->stats->update_attempt.Add(now.attempts - dns.counted.attempts);
    cluster->stats->update_success.Add(now.successes - dns.counted.successes);
    cluster->stats->update_failure.Add(now.failures - dns.counted.failures);
    cluster->stats->update_empty.Add(now.empty - dns.counted.empty);
    cluster->stats->update_no_rebuild.Add(now.unchanged - dns.counted.unchanged);
    dns.counted = now;
  }
}

}  // namespace proxenos::server
