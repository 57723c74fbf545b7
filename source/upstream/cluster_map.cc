// Look-up and replacement of clusters.
#include "source/upstream/cluster_map.h"

#include <memory>
#include <utility>

namespace proxenos::upstream {

base::Rc<WorkerCluster> ClusterMap::Find(absl::string_view name) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return base::Rc<WorkerCluster>();
  Entry& entry = it->second;
  if (!entry.used) {
    entry.used =
        base::Rc<WorkerCluster>(std::make_unique<WorkerCluster>(loop_, registry_, entry.published));
    entry.used->SetInternalConnect(&internal_connect_);
  }
  return entry.used;
}

void ClusterMap::Set(PublishedCluster published) {
  Entry& entry = clusters_[published.config->name];
  if (entry.used) entry.used->Drain();
  entry.used.reset();
  entry.published = std::move(published);
}

void ClusterMap::SetHosts(const std::string& name, std::shared_ptr<const HostSet> hosts) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return;
  it->second.published.hosts = hosts;
  if (it->second.used) it->second.used->SetHosts(std::move(hosts));
}

void ClusterMap::SetTls(const std::string& name, size_t index,
                        std::shared_ptr<const tls::ClientContext> context) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end() || index >= it->second.published.tls.size()) return;
  it->second.published.tls[index] = context;
  if (it->second.used) it->second.used->SetTls(index, std::move(context));
}

void ClusterMap::Remove(const std::string& name) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return;
  if (it->second.used) it->second.used->Drain();
  clusters_.erase(it);
}

void ClusterMap::DrainAll() {
  for (auto& [name, entry] : clusters_) {
    if (entry.used) entry.used->Drain();
  }
}

}  // namespace proxenos::upstream
