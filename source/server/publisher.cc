// Posts to each worker.
#include "source/server/publisher.h"

#include <algorithm>
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
  if (!batch.clusters.empty() || !batch.hosts.empty()) worker.OnClustersChanged();
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
  if (!batch.removed_clusters.empty()) worker.OnClustersChanged();
  for (const DemandAnswer& answer : batch.answers) worker.OnAnswer(answer);
}

// What goes to a worker in one piece; its loop looks at the time between pieces. A cluster takes
// some microseconds, one with secrets that is let go of many more; a listener opens its sockets'
// chains and counters.
constexpr size_t kAtOnce = 8;
constexpr size_t kListenersAtOnce = 1;

// Calls `visit` with each of the lists, in the order in which they are applied, and with how many
// of it are enough for one piece.
template <typename Visit>
void ForEachList(Visit visit) {
  visit(&Batch::clusters, kAtOnce);
  visit(&Batch::hosts, kAtOnce);
  visit(&Batch::routes, kAtOnce);
  visit(&Batch::listeners, kListenersAtOnce);
  visit(&Batch::cluster_tls, kAtOnce);
  visit(&Batch::listener_tls, kAtOnce);
  visit(&Batch::listener_filters, kAtOnce);
  visit(&Batch::listener_scopes, kListenersAtOnce);
  visit(&Batch::removed_listeners, kListenersAtOnce);
  visit(&Batch::removed_routes, kAtOnce);
  visit(&Batch::removed_clusters, kAtOnce);
  visit(&Batch::answers, kAtOnce);
}

template <typename Item>
void Split(std::vector<Item>& all, std::vector<Item> Batch::*member, size_t at_once,
           std::vector<Batch>& parts) {
  for (size_t sent = 0; sent < all.size(); sent += at_once) {
    const auto first = all.begin() + static_cast<ptrdiff_t>(sent);
    const auto last = first + static_cast<ptrdiff_t>(std::min(at_once, all.size() - sent));
    (parts.emplace_back().*member)
        .assign(std::make_move_iterator(first), std::make_move_iterator(last));
  }
}

}  // namespace

std::vector<Batch> InParts(Batch batch) {
  std::vector<Batch> parts;
  bool small = true;
  ForEachList(
      [&](auto member, size_t at_once) { small = small && (batch.*member).size() <= at_once; });
  if (small) {
    if (!batch.empty()) parts.push_back(std::move(batch));
    return parts;
  }
  if (batch.runtime != nullptr) parts.emplace_back().runtime = std::move(batch.runtime);
  ForEachList([&](auto member, size_t at_once) { Split(batch.*member, member, at_once, parts); });
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
