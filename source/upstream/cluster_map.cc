// Look-up and replacement of clusters.
#include "source/upstream/cluster_map.h"

#include <memory>
#include <utility>

namespace proxenos::upstream {

ClusterMap::Place ClusterMap::PlaceOf(absl::string_view name) {
  static_assert(sizeof(size_t) == 8);
  const size_t hash = HashName()(name);
  Shard& shard = shards_[hash >> (64 - kShardBits)];
  return {shard, shard.find(name, hash)};
}

base::Rc<WorkerCluster> ClusterMap::Find(absl::string_view name) {
  const Place place = PlaceOf(name);
  if (!place.found()) return base::Rc<WorkerCluster>();
  const Entry& entry = *place.it;
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
  const Place place = PlaceOf(name);
  if (!place.found()) {
    place.shard.insert(Entry{name, std::move(published), {}});
    return;
  }
  const auto it = place.it;
  if (it->used) it->used->Drain();
  it->used.reset();
  it->name = name;
  it->published = std::move(published);
}

void ClusterMap::SetHosts(std::shared_ptr<const PublishedCluster> published) {
  const absl::string_view name = published->config->name;
  const Place place = PlaceOf(name);
  if (!place.found()) return;
  const auto it = place.it;
  if (it->used) it->used->SetHosts(published->hosts);
  it->name = name;
  it->published = std::move(published);
}

void ClusterMap::SetTls(const std::string& name, size_t index,
                        std::shared_ptr<const tls::ClientContext> context) {
  const Place place = PlaceOf(name);
  if (!place.found() || index >= place.it->published->tls.size()) return;
  const auto it = place.it;
  PublishedCluster changed = *it->published;
  changed.tls[index] = context;
  it->published = std::make_shared<const PublishedCluster>(std::move(changed));
  if (it->used) it->used->SetTls(index, std::move(context));
}

void ClusterMap::Remove(const std::string& name) {
  const Place place = PlaceOf(name);
  if (!place.found()) return;
  if (place.it->used) place.it->used->Drain();
  place.shard.erase(place.it);
}

void ClusterMap::DrainAll() {
  for (const Shard& shard : shards_) {
    for (const Entry& entry : shard) {
      if (entry.used) entry.used->Drain();
    }
  }
}

}  // namespace proxenos::upstream
