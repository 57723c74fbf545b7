// ClusterMap: the clusters that one worker knows, by name. What the main thread publishes costs a
// map entry; the worker's own state of a cluster is made when a request first goes there.
//
// Owner: the worker. Thread: the worker's.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/rc.h"
#include "source/net/socket.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

class ClusterMap {
 public:
  ClusterMap(event::EventLoop& loop, stats::Registry& registry)
      : loop_(loop), registry_(registry) {}

  // How hosts with internal addresses are connected to: gives one end of a pipe whose other end
  // the listener of that name is going to accept; invalid when there is none.
  using InternalConnect = absl::AnyInvocable<net::UniqueFd(const net::Address& address)>;
  void SetInternalConnect(InternalConnect connect) { internal_connect_ = std::move(connect); }

  // The cluster, or null when there is none of that name.
  base::Rc<WorkerCluster> Find(absl::string_view name);

  // Adds a cluster or replaces its configuration: requests under way finish on the old one.
  void Set(PublishedCluster published);
  // New hosts of a cluster; no-op when it is not there.
  void SetHosts(const std::string& name, std::shared_ptr<const HostSet> hosts);
  // A rotated secret: another context of one of its transport sockets.
  void SetTls(const std::string& name, size_t index,
              std::shared_ptr<const tls::ClientContext> context);
  void Remove(const std::string& name);

  // Closes idle upstream connections; for the end of the worker.
  void DrainAll();
  // Forgets every cluster.
  void Clear() { clusters_.clear(); }

 private:
  struct Entry {
    PublishedCluster published;
    base::Rc<WorkerCluster> used;  // Null until first used.
  };

  event::EventLoop& loop_;
  stats::Registry& registry_;
  InternalConnect internal_connect_;
  absl::flat_hash_map<std::string, Entry> clusters_;
};

}  // namespace proxenos::upstream
