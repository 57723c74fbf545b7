// Endpoints that are good for a while only: Policy.endpoint_stale_after.
#include "source/server/cluster_version.h"

namespace proxenos::server {

using upstream::DiscoveryKind;

void ClusterStore::BeginStaleness(AssignmentEntry& entry, base::Nanos stale_after) {
  entry.stale_after = stale_after;
  entry.stale_at = base::kNever;
  if (stale_after == 0) return;
  entry.stale_at = context_.loop.now() + stale_after;
  entry.users.ForEach([this, &entry](const std::string& name) {
    deadlines_.emplace(entry.stale_at, name);
    const auto user = clusters_.find(name);
    if (user == clusters_.end()) return;
    if (user->second->active == nullptr && user->second->warming == nullptr) return;
    StaleStatsOf(*user->second).assignment_timeout_received.Inc();
  });
}

stats::ClusterStaleStats& ClusterStore::StaleStatsOf(Cluster& cluster) {
  if (!cluster.staleness) {
    const Version& version = cluster.active != nullptr ? *cluster.active : *cluster.warming;
    cluster.staleness =
        registry_.Open<stats::ClusterStaleStats>(stats::ClusterScope(version.config->stat_name()));
  }
  return *cluster.staleness;
}

void ClusterStore::NoteAge(Cluster& cluster) {
  if (cluster.active == nullptr || cluster.active->config->discovery != DiscoveryKind::kEds) return;
  const AssignmentEntry* entry = FindEntry(KeyOf(*cluster.active->config));
  if (entry == nullptr || entry->stale_at > context_.loop.now()) return;
  cluster.new_health = true;  // The hosts are made anew, but it is no update that came.
  StaleStatsOf(cluster).assignment_stale.Inc();
}

void ClusterStore::RenewAssignment(const SourceKey& source, const std::string& name) {
  AssignmentEntry* entry = FindEntry({source, name});
  if (entry == nullptr || entry->stale_after == 0) return;
  const bool was_stale = entry->stale_at <= context_.loop.now();
  BeginStaleness(*entry, entry->stale_after);
  if (was_stale) return TellUsers(*entry);
  context_.Pump();  // There is another deadline.
}

}  // namespace proxenos::server
