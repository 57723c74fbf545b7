// A worker's part of a batch, on the main thread.
#include "source/server/main_clusters.h"

namespace proxenos::server {

MainClusters::MainClusters(event::EventLoop& loop, stats::Registry& registry,
                           const envoy::config::bootstrap::v3::Bootstrap& bootstrap)
    : clusters_(loop, registry) {
  for (const auto& cluster : bootstrap.static_resources().clusters()) {
    names_.insert(cluster.name());
  }
}

bool MainClusters::Apply(const Batch& batch) {
  bool came = false;
  for (const auto& cluster : batch.clusters) {
    if (!Knows(cluster->config->name)) continue;
    clusters_.Set(cluster);
    came = true;
  }
  for (const auto& cluster : batch.hosts) {
    if (Knows(cluster->config->name)) clusters_.SetHosts(cluster);
  }
  for (const auto& each : batch.cluster_tls) {
    if (Knows(each.owner)) clusters_.SetTls(each.owner, each.socket, each.context);
  }
  for (const std::string& name : batch.removed_clusters) {
    if (Knows(name)) clusters_.Remove(name);
  }
  return came;
}

}  // namespace proxenos::server
