// Assignments of endpoints: taken, compiled, patched, shared by clusters, and good for a while only
// (Policy.endpoint_stale_after).
#include <utility>

#include "source/server/cluster_version.h"
#include "source/upstream/assignment_patch.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

using upstream::DiscoveryKind;

// So many are compiled again, when they are needed again, in some twenty microseconds.
constexpr size_t kFewEndpoints = 16;
// An assignment of fewer bytes is compiled as fast as it is compared.
constexpr size_t kPatchedBytes = 16 * 1024;

}  // namespace

ClusterStore::AssignmentKey ClusterStore::KeyOf(const upstream::ClusterConfig& config) {
  return {config.eds->ads ? SourceKey() : config.eds->source, config.eds->service_name};
}

void ClusterStore::ClaimEndpoints(Version& version) {
  if (version.config->discovery != DiscoveryKind::kEds) return;
  const AssignmentKey key = KeyOf(*version.config);
  version.endpoints = context_.wanted.Claim(xds::kEndpointType, key.source, key.name);
  AssignmentEntry& entry = EntryOf(key);
  entry.users.Add(version.config->name);
  if (entry.stale_at != base::kNever) deadlines_.emplace(entry.stale_at, version.config->name);
}

ClusterStore::AssignmentEntry& ClusterStore::EntryOf(const AssignmentKey& key) {
  std::unique_ptr<AssignmentEntry>& entry = assignments_[key.source][key.name];
  if (entry == nullptr) entry = std::make_unique<AssignmentEntry>();
  return *entry;
}

ClusterStore::AssignmentEntry* ClusterStore::FindEntry(const AssignmentKey& key) const {
  const auto of_source = assignments_.find(key.source);
  if (of_source == assignments_.end()) return nullptr;
  const auto found = of_source->second.find(key.name);
  return found == of_source->second.end() ? nullptr : found->second.get();
}

std::optional<std::string> ClusterStore::TakeAssignment(const SourceKey& source,
                                                        const xds::Resource& resource) {
  AssignmentEntry& entry = EntryOf({source, resource.name});
  config::Errors errors;
  std::shared_ptr<const upstream::Assignment> assignment = PatchEndpoints(entry, *resource.bytes);
  if (assignment == nullptr) {
    assignment = compilers_.assignment(*resource.bytes, Origin::kDiscovery, errors);
  }
  if (assignment == nullptr) {
    std::string reason(errors.ToStatus().message());
    entry.refused = std::make_unique<Refusal>(
        Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason});
    return reason;
  }
  entry.refused.reset();
  entry.missing = false;
  entry.active = ResourceVersion::Of(resource, context_.loop.wall_now());
  entry.assignment = std::move(assignment);
  BeginStaleness(entry, entry.assignment->stale_after);
  TellUsers(entry);
  return std::nullopt;
}

std::shared_ptr<const upstream::Assignment> ClusterStore::PatchEndpoints(
    const AssignmentEntry& entry, const std::string& bytes) {
  if (entry.assignment == nullptr || !entry.active || bytes.size() < kPatchedBytes) return nullptr;
  const auto difference = upstream::FindDifference(*entry.active->bytes, bytes);
  if (!difference.has_value()) return nullptr;
  config::Errors errors;  // Their paths would not be those of the whole, which is compiled then.
  const auto changed = compilers_.assignment(difference->bytes, Origin::kDiscovery, errors);
  return changed == nullptr ? nullptr : upstream::Patch(*entry.assignment, *difference, *changed);
}

void ClusterStore::TellUsers(const AssignmentEntry& entry) {
  entry.users.ForEach([this](const std::string& name) { NewEndpoints(name); });
  context_.Pump();
}

void ClusterStore::TakeMissingAssignment(const SourceKey& source, const std::string& name) {
  AssignmentEntry& entry = EntryOf({source, name});
  entry.missing = !entry.active.has_value();
  TellUsers(entry);
}

bool ClusterStore::HasNoEndpoints(const Version& version) const {
  if (version.config->discovery != DiscoveryKind::kEds) return false;
  const AssignmentEntry* entry = FindEntry(KeyOf(*version.config));
  return entry != nullptr && entry->missing;
}

void ClusterStore::DropAssignment(const SourceKey& source, const std::string& name) {
  const auto of_source = assignments_.find(source);
  if (of_source != assignments_.end()) of_source->second.erase(name);
}

const upstream::Assignment* ClusterStore::EndpointsOf(const Version& version) {
  if (version.config->discovery != DiscoveryKind::kEds) {
    return version.dns != nullptr ? version.dns->resolved.get() : version.config->assignment.get();
  }
  AssignmentEntry* found = FindEntry(KeyOf(*version.config));
  if (found == nullptr) return nullptr;
  AssignmentEntry& entry = *found;
  if (entry.stale_at <= context_.loop.now()) {
    static const upstream::Assignment* const kStale = new upstream::Assignment;
    return kStale;
  }
  if (entry.assignment == nullptr && entry.active.has_value()) {
    config::Errors errors;  // None: these bytes were taken before.
    entry.assignment = compilers_.assignment(*entry.active->bytes, Origin::kDiscovery, errors);
  }
  return entry.assignment.get();
}

void ClusterStore::ReleaseEndpoints(const Version& version) {
  // Where hosts' health changes, the hosts are made anew each time.
  if (version.config->discovery != DiscoveryKind::kEds || version.health != nullptr) return;
  AssignmentEntry* entry = FindEntry(KeyOf(*version.config));
  if (entry == nullptr || entry->assignment == nullptr) return;
  if (entry->users.several()) return;  // It costs each of them little.
  size_t endpoints = 0;
  for (const auto& locality : entry->assignment->localities) {
    endpoints += locality.endpoints.size();
  }
  if (endpoints <= kFewEndpoints) entry->assignment.reset();
}

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
