// HostPool: one worker's connections to one host. Room 7 of a request.
//
// Connections with room for more are reused most recent first, so that those not needed age and
// close. A request that finds none waits (bounded by the cluster's circuit breakers) for one that
// is on its way, or has one made. One whose kept connection died under it has a new one, so that
// a host that closed all of them costs it no more than one try. Acquire calls nobody: it sets the
// exchange's state.
//
// In a cluster whose connections vary, each kind of them has a pool beside the usual one, its
// leader, which counts for all of them.
//
// Owner: the WorkerCluster. Thread: the worker's. Dies when: its host left the cluster (or it is
// not the usual one) and the last connection is closed, or with the WorkerCluster.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/exchange.h"
#include "source/upstream/host.h"

namespace proxenos::upstream {

class ConnectAttempt;
class WorkerCluster;
struct Loan;
struct OpenFailure;
struct Opening;

class HostPool {
 public:
  // The usual pool of a host.
  HostPool(WorkerCluster& cluster, std::shared_ptr<const Host> host);
  // One of another kind. `leader` outlives it, or is told to forget by Drain.
  HostPool(HostPool& leader, ConnectionKind kind);
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;
  ~HostPool();

  // Gives `exchange` a stream (kActive), queues it (kPending) or refuses it (kFailed).
  void Acquire(Exchange& exchange);

  // The host left the cluster, or the cluster goes. Idle connections close now, others when they
  // are done; a retry that still comes here is served and keeps none open.
  void Drain();
  bool empty() const { return connection_count_ == 0 && pending_.empty(); }

  // Requests under way or waiting, those of its followers included: for LeastRequest.
  uint32_t active() const { return busy_ + pending_count_ + followers_active_; }
  const ConnectionKind& kind() const { return kind_; }
  // Whether it is the usual pool of its host.
  bool leads() const { return leads_; }

  const Host& host() const { return *host_; }
  const std::shared_ptr<const Host>& shared_host() const { return host_; }
  // A LOGICAL_DNS host that has a new address: later connections go there.
  void ReplaceHost(std::shared_ptr<const Host> host);
  WorkerCluster& cluster() { return cluster_; }

  // From the worker's Lender; pool_lending.cc.
  // An idle connection, for another worker, perhaps one that has none at all; or null.
  std::unique_ptr<Loan> Lend(bool to_one_without);
  // What Borrow asked for; or, not `awaited` any longer, what comes too late: it is idle here then.
  void OnLoan(std::unique_ptr<Loan> loan, bool awaited);
  void OnNoLoan();

  // From its attempts.
  // What a try at `address` begins with. False: it cannot be had.
  bool Open(const net::Address& address, Opening& opening, OpenFailure& why);
  void OnConnected(ConnectAttempt& attempt);
  void OnConnectFailed(ConnectAttempt& attempt, PoolFailure failure, absl::string_view detail);

  // From its connections: each state they leave is accounted for here.
  // So many of their exchanges ended.
  void CountEnded(uint32_t exchanges);
  // The connection has free streams, or has become idle: gives them to who waits longest, and keeps
  // the connection where it belongs. It may be closed afterwards.
  void Offer(ClientConnection& connection);
  // It will offer so many streams soon, or (negative) does so no more: requests wait for it.
  void Expect(int64_t streams) { expected_streams_ += static_cast<uint64_t>(streams); }
  // It will not: nobody waits any longer.
  void FailPending(PoolFailure failure, absl::string_view detail);
  // It takes no more for now.
  void SetAside(ClientConnection& connection);
  void OnClosed(ClientConnection& connection);
  // It leaves for another worker.
  void OnParted(ClientConnection& connection);
  // An exchange no longer waits here.
  void OnPendingGone();

 private:
  // Of the connections there are.
  uint64_t FreeStreams();
  void Serve(Exchange& exchange);
  // A pool that nobody comes back to is given up with its last connection.
  void LeaveIfUnused();
  // The connection that `exchange` can have at once; null: none.
  ClientConnection* FreeFor(const Exchange& exchange);
  void MakeDo(Exchange& exchange);
  // Who waits longest of those who take `connection`; null: nobody.
  Exchange* WaitingFor(const ClientConnection& connection);
  // Makes connections until those on their way serve all who wait, as far as the limits allow.
  void StartConnections();
  bool StartConnection();
  // Whether its connections may serve other workers, and theirs it.
  bool Lends() const;
  // Asks another worker for a connection, which is expected from then on. False: nobody is asked.
  bool Borrow();
  bool StopBorrowing();
  // The transport of a new connection, null for none. False: it cannot be had, `*detail` says why.
  bool MakeTransport(std::unique_ptr<net::Transport>* transport, absl::string_view* detail);
  // How many exchanges a connection that is to be made is expected to serve at once.
  uint32_t ExpectedStreams() const;
  void FailStart(PoolFailure failure, absl::string_view detail);
  std::unique_ptr<ClientConnection> MakeConnection(ConnectAttempt& attempt);
  // False: the connection was no good and has closed.
  bool Give(ClientConnection& connection, Exchange& exchange);
  void Forget(ConnectAttempt& attempt);
  // A connection, or one on its way, is no more.
  void OnOneLess();

  WorkerCluster& cluster_;
  const ConnectionKind kind_;
  const bool leads_;
  HostPool* leader_ = nullptr;  // Null in a leader, and once the host left.
  std::shared_ptr<const Host> host_;
  base::IntrusiveList<ClientConnection> free_;  // With free streams, most recently used first.
  base::IntrusiveList<ClientConnection> others_;
  base::IntrusiveList<ConnectAttempt> attempts_;
  base::IntrusiveList<Exchange, PendingTag> pending_;  // Oldest first.
  uint32_t connection_count_ = 0;                      // Attempts included.
  uint64_t expected_streams_ = 0;  // Of attempts, and of connections that are not ready.
  uint32_t busy_ = 0;
  uint32_t pending_count_ = 0;
  uint32_t followers_active_ = 0;
  uint32_t borrowing_ = 0;       // Connections that other workers are asked for.
  bool last_was_http1_ = false;  // What ALPN chose the last time.
  bool shed_ = false;            // The last connection that was wanted was not allowed by overload.
  bool acquiring_ = false;  // Somebody comes: it is in use, though it may hold nothing just now.
  bool draining_ = false;
  bool dying_ = false;
};

}  // namespace proxenos::upstream
