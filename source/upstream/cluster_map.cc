// Look-up and replacement of clusters.
#include "source/upstream/cluster_map.h"

#include <memory>
#include <utility>

namespace proxenos::upstream {

base::Rc<WorkerCluster> ClusterMap::Find(absl::string_view name) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return base::Rc<WorkerCluster>();
  const Entry& entry = *it;
  if (!entry.used) {
    entry.used = base::Rc<WorkerCluster>(
        std::make_unique<WorkerCluster>(loop_, registry_, *entry.published));
    entry.used->SetInternalConnect(&internal_connect_);
    entry.used->SetClusters(this);
  }
  return entry.used;
}

void ClusterMap::Set(std::shared_ptr<const PublishedCluster> published) {
  const absl::string_view name = published->config->name;
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) {
    clusters_.insert(Entry{name, std::move(published), {}});
    return;
  }
  if (it->used) it->used->Drain();
  it->used.reset();
  it->name = name;
  it->published = std::move(published);
}

void ClusterMap::SetHosts(std::shared_ptr<const PublishedCluster> published) {
  const absl::string_view name = published->config->name;
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return;
  if (it->used) it->used->SetHosts(published->hosts);
  it->name = name;
  it->published = std::move(published);
}

void ClusterMap::SetTls(const std::string& name, size_t index,
                        std::shared_ptr<const tls::ClientContext> context) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end() || index >= it->published->tls.size()) return;
  PublishedCluster changed = *it->published;
  changed.tls[index] = context;
  it->published = std::make_shared<const PublishedCluster>(std::move(changed));
  if (it->used) it->used->SetTls(index, std::move(context));
}

void ClusterMap::Remove(const std::string& name) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return;
  if (it->used) it->used->Drain();
  clusters_.erase(it);
}

void ClusterMap::DrainAll() {
  for (const Entry& entry : clusters_) {
    if (entry.used) entry.used->Drain();
  }
}

}  // namespace proxenos::upstream
