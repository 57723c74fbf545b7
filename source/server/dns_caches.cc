// Counting who uses which.
#include "source/server/dns_caches.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proxenos::server {

DnsCaches::DnsCaches(event::EventLoop& loop, stats::Registry& registry,
                     net::DnsResolvers& resolvers)
    : loop_(loop),
      registry_(registry),
      resolvers_(resolvers),
      before_read_(registry.BeforeRead([this] {
        for (auto& [key, entry] : caches_) entry.keeper->RefreshStats();
      })) {}

DnsCaches::~DnsCaches() = default;

void DnsCaches::Complete(Batch& batch) {
  for (auto* list : {&batch.clusters, &batch.hosts}) {
    for (std::shared_ptr<const upstream::PublishedCluster>& published : *list) {
      const auto& proxy = published->config->dynamic_forward_proxy;
      if (proxy == nullptr) {
        LetGo(published->config->name);
        continue;
      }
      upstream::PublishedCluster complete = *published;
      complete.dns_cache = Use(published->config->name, proxy->cache);
      published = std::make_shared<const upstream::PublishedCluster>(std::move(complete));
    }
  }
  for (const std::string& name : batch.removed_clusters) LetGo(name);
}

const std::shared_ptr<const upstream::SharedDnsCache>& DnsCaches::Use(
    const std::string& cluster, const upstream::DnsCacheSettings& settings) {
  const std::string key = absl::StrCat(settings.name, "\n", settings.bytes);
  Entry& entry = caches_[key];
  if (entry.keeper == nullptr) {
    // Without a choice of its own it asks the system's servers.
    entry.keeper = std::make_unique<upstream::DnsCacheKeeper>(
        loop_, resolvers_.Share(settings.dns.resolver), registry_, settings);
  }
  ++entry.users;
  std::string& used = users_[cluster];
  // The new one is used before the old one is left: they may be the same.
  const std::string before = std::exchange(used, key);
  if (!before.empty()) Leave(before);
  return caches_.find(key)->second.keeper->cache();
}

void DnsCaches::LetGo(const std::string& cluster) {
  if (users_.empty()) return;
  const auto found = users_.find(cluster);
  if (found == users_.end()) return;
  const std::string key = std::move(found->second);
  users_.erase(found);
  Leave(key);
}

void DnsCaches::Leave(const std::string& key) {
  const auto found = caches_.find(key);
  if (--found->second.users == 0) caches_.erase(found);
}

}  // namespace proxenos::server
