// Handing out, queueing for, and giving back of upstream connections.
#include "source/upstream/pool.h"

#include <memory>
#include <utility>

#include "source/base/log.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

HostPool::HostPool(WorkerCluster& cluster, std::shared_ptr<const Host> host)
    : cluster_(cluster), host_(std::move(host)) {}

HostPool::~HostPool() {
  draining_ = false;  // The cluster is destroying this already.
  FailPending(PoolFailure::kNoHealthyHost, "");
  while (ClientConnection* connection = idle_.front()) connection->Close();
  while (ClientConnection* connection = others_.front()) connection->Close();
}

void HostPool::Give(ClientConnection& connection, Exchange& exchange) {
  ++busy_;
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  others_.PushFront(&connection);
  exchange.state = Exchange::State::kActive;
  exchange.host = host_;
  connection.Begin(exchange);
}

void HostPool::Acquire(Exchange& exchange) {
  if (ClientConnection* connection = idle_.front()) {
    Give(*connection, exchange);
    return;
  }
  auto& stats = cluster_.stats();
  exchange.host = host_;
  if (!cluster_.TryAcquirePending()) {
    stats.upstream_rq_pending_overflow.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kOverflow;
    return;
  }
  ++pending_count_;
  stats.upstream_rq_pending_total.Inc();
  stats.upstream_rq_pending_active.Inc();
  exchange.state = Exchange::State::kPending;
  exchange.pool = this;
  pending_.PushBack(&exchange);
  if (pending_count_ > connecting_) StartConnection();
}

void HostPool::StartConnection() {
  // The first connection to a host is allowed whatever the limit, or the host could never be used.
  if (!cluster_.AcquireConnection(connection_count_ == 0)) {
    cluster_.stats().upstream_cx_overflow.Inc();
    return;
  }
  net::ConnectOptions options;
  const ClusterConfig& config = cluster_.config();
  if (config.keepalive.enabled) options.keepalive = cluster_.keepalive();
  if (config.source_address.family() != net::Address::Family::kNone) {
    options.source = config.source_address;
  }
  auto fd = net::StartConnect(host_->address(), options);
  auto& stats = cluster_.stats();
  stats.upstream_cx_total.Inc();
  if (!fd.ok()) {
    stats.upstream_cx_connect_fail.Inc();
    cluster_.ReleaseConnection();
    PX_LOG(kPool, kDebug, "cluster ", config.name, " host ", host_->address().ToString(), ": ",
           absl::string_view(fd.status().message()));
    if (connecting_ == 0) FailPending(PoolFailure::kConnectFailure, "cannot start connecting");
    return;
  }
  stats.upstream_cx_active.Inc();
  ++connection_count_;
  ++connecting_;
  // Owned through its list until Forget hands it to the loop.
  others_.PushBack(std::make_unique<ClientConnection>(*this, std::move(*fd)).release());
}

Exchange* HostPool::NextPending() {
  Exchange* next = pending_.PopFront();
  if (next != nullptr) OnPendingGone();
  return next;
}

void HostPool::OnPendingGone() {
  --pending_count_;
  cluster_.ReleasePending();
  cluster_.stats().upstream_rq_pending_active.Dec();
}

void HostPool::OnConnected(ClientConnection& connection) {
  --connecting_;
  auto& stats = cluster_.stats();
  stats.upstream_cx_http1_total.Inc();
  stats.upstream_cx_connect_ms.Record(connection.AgeMs());
  Offer(connection);
}

void HostPool::OnFinished(ClientConnection& connection) {
  --busy_;
  Offer(connection);
}

void HostPool::Offer(ClientConnection& connection) {
  if (Exchange* next = NextPending()) {
    Give(connection, *next);
    next->OnProgress();
    return;
  }
  if (draining_) {
    connection.Close();
    return;
  }
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  idle_.PushFront(&connection);
  connection.ArmIdle();
}

void HostPool::FailPending(PoolFailure failure, absl::string_view detail) {
  while (Exchange* waiting = NextPending()) {
    waiting->state = Exchange::State::kFailed;
    waiting->failure = failure;
    waiting->failure_detail = detail;
    cluster_.stats().upstream_rq_pending_failure_eject.Inc();
    waiting->OnProgress();
  }
}

void HostPool::OnConnectFailed(ClientConnection& connection, PoolFailure failure,
                               absl::string_view detail) {
  --connecting_;
  auto& stats = cluster_.stats();
  stats.upstream_cx_connect_fail.Inc();
  stats.upstream_cx_destroy.Inc();
  if (failure == PoolFailure::kConnectTimeout) {
    stats.upstream_cx_connect_timeout.Inc();
    stats.upstream_cx_destroy_local.Inc();
  } else {
    stats.upstream_cx_destroy_remote.Inc();
  }
  PX_LOG(kPool, kDebug, "cluster ", cluster_.config().name, " host ", host_->address().ToString(),
         ": connect failed: ", detail);
  // The host does not answer: those that wait for it are better served by another.
  FailPending(failure, detail);
  Forget(connection);
}

void HostPool::OnClosed(ClientConnection& connection, ClientConnection::State before) {
  if (before == ClientConnection::State::kBusy) --busy_;
  if (before == ClientConnection::State::kConnecting) --connecting_;
  cluster_.stats().upstream_cx_destroy.Inc();
  Forget(connection);
}

void HostPool::Forget(ClientConnection& connection) {
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  --connection_count_;
  cluster_.ReleaseConnection();
  cluster_.stats().upstream_cx_active.Dec();
  cluster_.loop().Retire(std::unique_ptr<ClientConnection>(&connection));
  if (pending_count_ > connecting_) StartConnection();
  if (draining_ && empty()) cluster_.OnDrained(*this);
}

void HostPool::Drain() {
  draining_ = true;
  while (ClientConnection* connection = idle_.front()) connection->Close();
  for (ClientConnection* each = others_.front(); each != nullptr; each = others_.Next(each)) {
    each->CloseWhenDone();
  }
  if (empty()) cluster_.OnDrained(*this);
}

}  // namespace proxenos::upstream
