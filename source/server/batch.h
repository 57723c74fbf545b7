// Batch: what one update changes, on its way from the configuration store to every worker.
//
// Everything in it is immutable and shared; a worker that applies it swaps pointers. It is applied
// whole, between requests, in the order of the members: what refers comes after what it refers to,
// removals come last (make before break).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/downstream/http_config.h"
#include "source/runtime/snapshot.h"
#include "source/server/demand.h"
#include "source/tls/server_context.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::server {

// A listener, with the TLS contexts of its filter chains (config->chains, in that order; null for
// plain text, and while a secret is missing).
struct PublishedListener {
  std::shared_ptr<const downstream::ListenerConfig> config;
  std::vector<std::shared_ptr<const tls::ServerContext>> tls;
  // Filters of the chains; null where none of them come by discovery.
  std::vector<std::shared_ptr<const filter::FilterFactories>> filters;
  // Scopes of the chains, as far as there are any; null where they have none.
  std::vector<std::shared_ptr<const downstream::ScopeTable>> scopes;
  // Of an update that concerns filter chains alone: which chain of the listener in force each is,
  // or -1. The others of this struct say nothing of those that stay. Else empty.
  std::vector<int32_t> kept;
};

// A rotated secret: another TLS context of one transport socket of a listener or cluster in force.
template <typename Context>
struct Rotation {
  std::string owner;
  size_t socket;
  std::shared_ptr<const Context> context;
};

// Other filters of one chain of a listener in force.
struct FilterChange {
  std::string listener;
  size_t chain;
  std::shared_ptr<const filter::FilterFactories> filters;
};

// Other scopes of one chain of a listener in force.
struct ScopeChange {
  std::string listener;
  size_t chain;
  std::shared_ptr<const downstream::ScopeTable> scopes;
};

struct Batch {
  std::shared_ptr<const runtime::Snapshot> runtime;  // Null: as it was.
  // Added, or changed in their configuration.
  std::vector<std::shared_ptr<const upstream::PublishedCluster>> clusters;
  // The same configuration as before, other hosts.
  std::vector<std::shared_ptr<const upstream::PublishedCluster>> hosts;
  std::vector<std::pair<std::string, std::shared_ptr<const downstream::RouteSnapshot>>> routes;
  std::vector<PublishedListener> listeners;  // Added or changed.
  std::vector<Rotation<tls::ClientContext>> cluster_tls;
  std::vector<Rotation<tls::ServerContext>> listener_tls;
  std::vector<FilterChange> listener_filters;
  std::vector<ScopeChange> listener_scopes;
  std::vector<std::string> removed_listeners;
  std::vector<std::string> removed_routes;
  std::vector<std::string> removed_clusters;
  std::vector<DemandAnswer> answers;  // To what workers asked for; last of all.

  bool empty() const {
    return runtime == nullptr && clusters.empty() && hosts.empty() && routes.empty() &&
           listeners.empty() && cluster_tls.empty() && listener_tls.empty() &&
           listener_filters.empty() && listener_scopes.empty() && removed_listeners.empty() &&
           removed_routes.empty() && removed_clusters.empty() && answers.empty();
  }
};

}  // namespace proxenos::server
