// HostPool: one worker's connections to one host. Room 7 of a request.
//
// Idle connections are reused most recent first, so that those not needed age and close. A request
// that finds none waits (bounded by the cluster's circuit breakers) for a new one. Acquire calls
// nobody: it sets the exchange's state.
//
// Owner: the WorkerCluster. Thread: the worker's. Dies when: its host left the cluster and the last
// connection is closed, or with the WorkerCluster.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/exchange.h"
#include "source/upstream/host.h"

namespace proxenos::upstream {

class WorkerCluster;

class HostPool {
 public:
  HostPool(WorkerCluster& cluster, std::shared_ptr<const Host> host);
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;
  ~HostPool();

  // Gives `exchange` a connection (kActive), queues it (kPending) or refuses it (kFailed).
  void Acquire(Exchange& exchange);

  // The host left the cluster, or the cluster goes. Idle connections close now, others when they
  // are done; a retry that still comes here is served and keeps none open.
  void Drain();
  bool empty() const { return connection_count_ == 0 && pending_.empty(); }

  // Requests under way or waiting: for LeastRequest.
  uint32_t active() const { return busy_ + pending_count_; }

  const Host& host() const { return *host_; }
  const std::shared_ptr<const Host>& shared_host() const { return host_; }
  // A LOGICAL_DNS host that has a new address: later connections go there.
  void ReplaceHost(std::shared_ptr<const Host> host) { host_ = std::move(host); }
  WorkerCluster& cluster() { return cluster_; }

  // From its connections: each state they leave is accounted for here.
  void OnConnected(ClientConnection& connection);
  void OnFinished(ClientConnection& connection);
  void OnConnectFailed(ClientConnection& connection, PoolFailure failure, absl::string_view detail);
  void OnClosed(ClientConnection& connection, ClientConnection::State before);
  // An exchange no longer waits here.
  void OnPendingGone();

 private:
  void StartConnection();
  void Give(ClientConnection& connection, Exchange& exchange);
  // Gives a free connection to whoever waits longest, or keeps it.
  void Offer(ClientConnection& connection);
  void Forget(ClientConnection& connection);
  Exchange* NextPending();
  void FailPending(PoolFailure failure, absl::string_view detail);

  WorkerCluster& cluster_;
  std::shared_ptr<const Host> host_;
  base::IntrusiveList<ClientConnection> idle_;         // Most recently used first.
  base::IntrusiveList<ClientConnection> others_;       // Connecting or busy.
  base::IntrusiveList<Exchange, PendingTag> pending_;  // Oldest first.
  uint32_t connection_count_ = 0;
  uint32_t connecting_ = 0;
  uint32_t busy_ = 0;
  uint32_t pending_count_ = 0;
  bool draining_ = false;
};

}  // namespace proxenos::upstream
