// Posts to each worker.
#include "source/server/publisher.h"

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace proxenos::server {
namespace {

// The sockets that one worker gets with a batch, by the batch's listeners.
using Sockets = std::vector<std::optional<std::vector<net::UniqueFd>>>;

void Apply(const Batch& batch, Sockets sockets, base::Nanos drain_time, Worker& worker) {
  if (batch.runtime != nullptr) worker.SetRuntime(batch.runtime);
  for (const auto& cluster : batch.clusters) worker.SetCluster(cluster);
  for (const auto& cluster : batch.hosts) worker.SetHosts(cluster);
  for (const auto& [name, routes] : batch.routes) worker.SetRoutes(name, routes);
  for (size_t i = 0; i < batch.listeners.size(); ++i) {
    worker.SetListener(batch.listeners[i], std::move(sockets[i]), drain_time);
  }
  for (const auto& each : batch.cluster_tls) {
    worker.SetClusterTls(each.owner, each.socket, each.context);
  }
  for (const auto& each : batch.listener_tls) {
    worker.SetListenerTls(each.owner, each.socket, each.context);
  }
  for (const FilterChange& each : batch.listener_filters) {
    worker.SetListenerFilters(each.listener, each.chain, each.filters);
  }
  for (const ScopeChange& each : batch.listener_scopes) {
    worker.SetListenerScopes(each.listener, each.chain, each.scopes);
  }
  for (const std::string& name : batch.removed_listeners) {
    worker.RemoveListener(name, drain_time);
  }
  for (const std::string& name : batch.removed_routes) worker.RemoveRoutes(name);
  for (const std::string& name : batch.removed_clusters) worker.RemoveCluster(name);
  for (const DemandAnswer& answer : batch.answers) worker.OnAnswer(answer);
}

// A worker takes some microseconds for each. Its loop looks at the time between posts.
constexpr size_t kClustersAtOnce = 32;

// All but the last few go ahead, in batches of their own.
template <typename Item>
void SendAhead(std::vector<Item> Batch::*member, Batch& batch, std::vector<Batch>& parts) {
  std::vector<Item>& all = batch.*member;
  size_t sent = 0;
  for (; all.size() - sent > kClustersAtOnce; sent += kClustersAtOnce) {
    const auto first = all.begin() + static_cast<ptrdiff_t>(sent);
    (parts.emplace_back().*member)
        .assign(std::make_move_iterator(first), std::make_move_iterator(first + kClustersAtOnce));
  }
  all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(sent));
}

}  // namespace

std::vector<Batch> InParts(Batch batch) {
  std::vector<Batch> parts;
  SendAhead(&Batch::clusters, batch, parts);
  if (batch.hosts.size() > kClustersAtOnce) {
    // They may be of any of the clusters.
    if (!batch.clusters.empty()) parts.emplace_back().clusters = std::exchange(batch.clusters, {});
    SendAhead(&Batch::hosts, batch, parts);
  }
  if (!batch.empty()) parts.push_back(std::move(batch));
  return parts;
}

void Publisher::Publish(Batch batch) {
  for (Batch& part : InParts(std::move(batch))) Post(std::move(part));
}

void Publisher::Post(Batch batch) {
  const auto shared = std::make_shared<const Batch>(std::move(batch));
  for (const auto& worker : workers_) {
    Sockets sockets;
    for (const auto& listener : shared->listeners) {
      sockets.push_back(sockets_.Take(listener.config->name, worker->index()));
    }
    worker->Post([shared, sockets = std::move(sockets), drain = drain_time_](Worker& self) mutable {
      Apply(*shared, std::move(sockets), drain, self);
    });
  }
  for (const std::string& name : shared->removed_listeners) sockets_.Forget(name);
}

}  // namespace proxenos::server
