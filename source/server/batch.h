// Batch: what one update changes, on its way from the configuration store to every worker.
//
// Everything in it is immutable and shared; a worker that applies it swaps pointers. It is applied
// whole, between requests, in the order of the members: what refers comes after what it refers to,
// removals come last (make before break).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/downstream/http_config.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::server {

struct Batch {
  std::vector<upstream::PublishedCluster> clusters;  // Added, or changed in their configuration.
  std::vector<std::pair<std::string, std::shared_ptr<const upstream::HostSet>>> hosts;
  std::vector<std::pair<std::string, std::shared_ptr<const downstream::RouteSnapshot>>> routes;
  std::vector<std::shared_ptr<const downstream::ListenerConfig>> listeners;  // Added or changed.
  std::vector<std::string> removed_listeners;
  std::vector<std::string> removed_routes;
  std::vector<std::string> removed_clusters;

  bool empty() const {
    return clusters.empty() && hosts.empty() && routes.empty() && listeners.empty() &&
           removed_listeners.empty() && removed_routes.empty() && removed_clusters.empty();
  }
};

}  // namespace proxenos::server
