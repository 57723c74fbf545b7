// An answer is what a source says of one name: with it, changed or as it was, or without it.
#include "source/server/route_stats.h"

#include "absl/strings/string_view.h"
#include "source/stats/scope.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {

void RouteStats::Open(const std::string& name, const std::string& stat_prefix) {
  const auto [place, is_new] = stats_.try_emplace(name);
  if (!is_new) return;
  place->second.prefix = stat_prefix;
  place->second.group =
      registry_.Open<stats::RdsStats>(stats::ScopeName(stats::kRdsScope, {stat_prefix, name}));
}

std::string RouteStats::PrefixOf(const std::string& name) const {
  const auto found = stats_.find(name);
  return found == stats_.end() ? "" : found->second.prefix;
}

void RouteStats::CountAnswer(const std::string& name, const std::string& version, bool taken) {
  const auto found = stats_.find(name);
  if (found == stats_.end()) return;
  stats::RdsStats& stats = *found->second.group;
  stats.update_attempt.Inc();
  (taken ? stats.update_success : stats.update_rejected).Inc();
  if (!taken) return;
  stats.version.Set(xds::XxHash64(version));
  stats.version_text.Set(version);
}

void RouteStats::CountStep(const xds::TypeUpdate& update,
                           const std::vector<xds::ResourceError>& refused) {
  absl::flat_hash_set<absl::string_view> bad;
  for (const xds::ResourceError& error : refused) bad.insert(error.name);
  for (const xds::Resource& resource : update.resources) {
    CountAnswer(resource.name, update.version, !bad.contains(resource.name));
  }
  for (const std::string& name : update.renewed) CountAnswer(name, update.version, true);
  for (const std::string& name : update.removed) CountAnswer(name, update.version, true);
}

void RouteStats::CountReload(const std::string& name) {
  const auto found = stats_.find(name);
  if (found != stats_.end()) found->second.group->config_reload.Inc();
}

void RouteStats::CountTimeout(const std::string& name) {
  const auto found = stats_.find(name);
  if (found != stats_.end()) found->second.group->init_fetch_timeout.Inc();
}

}  // namespace proxenos::server
