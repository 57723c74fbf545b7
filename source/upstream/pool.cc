// Handing out, queueing for, and giving back of upstream connections.
#include "source/upstream/pool.h"

#include <cmath>
#include <memory>
#include <utility>

#include "source/base/log.h"
#include "source/upstream/connect_attempt.h"
#include "source/upstream/host_tlvs.h"
#include "source/upstream/http1_client_connection.h"
#include "source/upstream/http2_client_connection.h"
#include "source/upstream/proxy_header.h"
#include "source/upstream/raw_client_connection.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

// Idle, and has served others: nobody has noticed yet if the host closed it.
bool WasKept(const ClientConnection& connection) {
  return connection.requests() > 0 && connection.active_streams() == 0;
}

}  // namespace

HostPool::HostPool(WorkerCluster& cluster, std::shared_ptr<const Host> host)
    : cluster_(cluster), leads_(true), host_(std::move(host)) {}

HostPool::HostPool(HostPool& leader, ConnectionKind kind)
    : cluster_(leader.cluster_),
      kind_(std::move(kind)),
      leads_(false),
      leader_(&leader),
      host_(leader.host_) {}

HostPool::~HostPool() {
  dying_ = true;
  FailPending(PoolFailure::kNoHealthyHost, "");
  while (ConnectAttempt* attempt = attempts_.front()) {
    attempt->Cancel();
    Forget(*attempt);
    OnOneLess();
  }
  while (ClientConnection* connection = free_.front()) connection->Close();
  while (ClientConnection* connection = others_.front()) connection->Close();
}

void HostPool::ReplaceHost(std::shared_ptr<const Host> host) {
  if (host == host_) return;
  cluster_.MoveConnections(*host_, *host, connection_count_);
  host_ = std::move(host);
}

bool HostPool::Give(ClientConnection& connection, Exchange& exchange) {
  if (!connection.Begin(exchange)) return false;
  ++busy_;
  if (leader_ != nullptr) ++leader_->followers_active_;
  exchange.state = Exchange::State::kActive;
  exchange.host = host_;
  return true;
}

ClientConnection* HostPool::FreeFor(const Exchange& exchange) {
  ClientConnection* const first = free_.front();
  if (first == nullptr || !exchange.wants_fresh || !WasKept(*first)) return first;
  first->Close();  // The new one takes its place: the limit is not to be in the way.
  return nullptr;
}

Exchange* HostPool::WaitingFor(const ClientConnection& connection) {
  Exchange* next = pending_.front();
  if (!WasKept(connection)) return next;
  while (next != nullptr && next->wants_fresh) next = pending_.Next(next);
  // Better than none.
  if (next == nullptr && pending_count_ > expected_streams_) return pending_.front();
  return next;
}

void HostPool::Acquire(Exchange& exchange) {
  acquiring_ = true;
  Serve(exchange);
  acquiring_ = false;
  LeaveIfUnused();
}

void HostPool::Serve(Exchange& exchange) {
  while (ClientConnection* connection = FreeFor(exchange)) {
    if (!Give(*connection, exchange)) continue;  // It has left the list.
    if (connection->free_streams() == 0) SetAside(*connection);
    return;
  }
  auto& stats = cluster_.stats();
  exchange.host = host_;
  if (!cluster_.TryAcquirePending(kind_.priority)) {
    stats.upstream_rq_pending_overflow.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kOverflow;
    return;
  }
  ++pending_count_;
  if (leader_ != nullptr) ++leader_->followers_active_;
  stats.upstream_rq_pending_total.Inc();
  stats.upstream_rq_pending_active.Inc();
  exchange.state = Exchange::State::kPending;
  exchange.pool = this;
  pending_.PushBack(&exchange);
  StartConnections();
  if (pending_count_ > expected_streams_) MakeDo(exchange);
}

// No new connection may be made now, and `exchange` might want no other.
void HostPool::MakeDo(Exchange& exchange) {
  const bool kept = exchange.wants_fresh && !free_.empty();
  if (!kind_.raw && !kept && !shed_) return;
  exchange.Unlink();
  OnPendingGone();
  if (kept) {
    exchange.wants_fresh = false;
    return Serve(exchange);
  }
  // No connection of another will ever become free for it, or it is not to wait for one.
  exchange.state = Exchange::State::kFailed;
  exchange.failure = PoolFailure::kOverflow;
}

void HostPool::CountEnded(uint32_t exchanges) {
  busy_ -= exchanges;
  if (leader_ != nullptr) leader_->followers_active_ -= exchanges;
}

uint64_t HostPool::FreeStreams() {
  uint64_t streams = 0;
  for (ClientConnection* each = free_.front(); each != nullptr; each = free_.Next(each)) {
    streams += each->free_streams();
  }
  return streams;
}

void HostPool::StartConnections() {
  // Ahead of need (preconnect): as many as what waits and what is under way will want.
  const double ratio = cluster_.config().preconnect_ratio;
  const auto wanted = [this, ratio] {
    if (ratio <= 1 || draining_) return uint64_t{pending_count_};
    const double streams = std::ceil((pending_count_ + busy_) * ratio);
    const uint64_t served = busy_ + FreeStreams();
    return static_cast<uint64_t>(streams) > served ? static_cast<uint64_t>(streams) - served : 0;
  };
  while (wanted() > expected_streams_ && (Borrow() || StartConnection())) {
  }
}

bool HostPool::MakeTransport(std::unique_ptr<net::Transport>* transport,
                             absl::string_view* detail) {
  const TransportSocket& socket = cluster_.config().SocketOf(host_->transport_match());
  if (socket.tls == TransportSocket::kPlaintext) return true;
  base::Held<tls::ClientContext> context = cluster_.tls_context(socket.tls);
  if (!context) {
    *detail = "TLS context not ready (secret missing)";
    return false;
  }
  *transport =
      MakeTlsTransport(std::move(context), cluster_.config(), kind_, *host_, cluster_.tls_stats());
  return true;
}

uint32_t HostPool::ExpectedStreams() const {
  if (kind_.raw) return 1;
  const HttpProtocol protocol = ProtocolOf(cluster_.config(), kind_);
  if (protocol == HttpProtocol::kHttp1) return 1;
  if (protocol == HttpProtocol::kAuto && last_was_http1_) return 1;
  return cluster_.config().http2->options.max_concurrent_streams;
}

// A connection could not even be begun.
void HostPool::FailStart(PoolFailure failure, absl::string_view detail) {
  cluster_.stats().upstream_cx_total.Inc();
  cluster_.stats().upstream_cx_connect_fail.Inc();
  if (cluster_.tracked() != nullptr) cluster_.tracked()->CountConnectFailure(*host_);
  cluster_.ReleaseConnection(*host_, kind_.priority);
  PX_LOG(kPool, kDebug, "cluster ", cluster_.config().name, " host ", host_->address().ToString(),
         ": ", detail);
  if (attempts_.empty()) FailPending(failure, detail);
}

// False when there is none more to be had.
bool HostPool::StartConnection() {
  shed_ = cluster_.ShedsConnection();
  if (shed_) return false;
  // The first connection to a host is allowed whatever the limit, or the host could never be used.
  // But who asks for bare ones has none to wait for.
  if (!cluster_.AcquireConnection(*host_, kind_.priority, connection_count_ == 0 && !kind_.raw)) {
    cluster_.stats().upstream_cx_overflow.Inc();
    return false;
  }
  auto attempt = std::make_unique<ConnectAttempt>(*this, ExpectedStreams());
  OpenFailure why;
  if (!attempt->Begin(why)) {
    FailStart(why.failure, why.detail);
    return false;
  }
  cluster_.stats().upstream_cx_total.Inc();
  cluster_.stats().upstream_cx_active.Inc();
  ++connection_count_;
  expected_streams_ += attempt->streams();
  // Owned through its list until Forget hands it to the loop.
  attempts_.PushBack(attempt.release());
  return true;
}

bool HostPool::Open(const net::Address& address, Opening& opening, OpenFailure& why) {
  if (!MakeTransport(&opening.transport, &why.detail)) {
    why.failure = PoolFailure::kTransportFailure;
    return false;
  }
  cluster_.NoteUse();
  auto fd = cluster_.Connect(address);
  if (!fd.ok()) {
    why = {PoolFailure::kConnectFailure, "cannot start connecting"};
    return false;
  }
  opening.fd = *std::move(fd);
  const TransportSocket& socket = cluster_.config().SocketOf(host_->transport_match());
  if (socket.proxy_header != ProxyHeader::kNone) {
    const net::ProxyTlvs tlvs = SentTlvs(socket, host_->transport_match(), kind_.tlvs);
    AppendProxyHeader(socket.proxy_header, kind_.source, kind_.destination, tlvs, opening.preface);
  }
  return true;
}

void HostPool::OnPendingGone() {
  --pending_count_;
  if (leader_ != nullptr) --leader_->followers_active_;
  cluster_.ReleasePending(kind_.priority);
  cluster_.stats().upstream_rq_pending_active.Dec();
}

std::unique_ptr<ClientConnection> HostPool::MakeConnection(ConnectAttempt& attempt) {
  if (kind_.raw) return std::make_unique<RawClientConnection>(*this, attempt.Take());
  const HttpProtocol protocol = ProtocolOf(cluster_.config(), kind_);
  const bool http2 = protocol == HttpProtocol::kHttp2 ||
                     (protocol == HttpProtocol::kAuto && attempt.protocol() == "h2");
  last_was_http1_ = !http2;
  if (http2) {
    cluster_.stats().upstream_cx_http2_total.Inc();
    return std::make_unique<Http2ClientConnection>(*this, attempt.Take());
  }
  cluster_.stats().upstream_cx_http1_total.Inc();
  return std::make_unique<Http1ClientConnection>(*this, attempt.Take());
}

void HostPool::OnConnected(ConnectAttempt& attempt) {
  const base::Nanos took = cluster_.loop().now() - attempt.begun();
  cluster_.stats().upstream_cx_connect_ms.Record(static_cast<uint64_t>(took / base::kMillisecond));
  // Owned through its list until OnClosed hands it to the loop.
  ClientConnection* connection = MakeConnection(attempt).release();
  Forget(attempt);
  others_.PushFront(connection);
  if (connection->closed_) return;
  Offer(*connection);
  StartConnections();
}

void HostPool::Offer(ClientConnection& connection) {
  while (connection.free_streams() > 0) {
    Exchange* next = WaitingFor(connection);
    if (next == nullptr) break;
    if (!Give(connection, *next)) return;
    next->Unlink();
    OnPendingGone();
    next->OnProgress();
  }
  if (connection.active_streams() == 0) {
    // A bare connection is made for one client, which may have left meanwhile.
    if (draining_ || kind_.raw) {
      connection.CloseWhenDone();
      return;
    }
    connection.ArmIdle();
  }
  SetAside(connection);
}

void HostPool::SetAside(ClientConnection& connection) {
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  (connection.free_streams() > 0 ? free_ : others_).PushFront(&connection);
}

void HostPool::FailPending(PoolFailure failure, absl::string_view detail) {
  while (Exchange* waiting = pending_.PopFront()) {
    OnPendingGone();
    waiting->state = Exchange::State::kFailed;
    waiting->failure = failure;
    waiting->failure_detail = std::string(detail);
    cluster_.stats().upstream_rq_pending_failure_eject.Inc();
    waiting->OnProgress();
  }
}

void HostPool::OnConnectFailed(ConnectAttempt& attempt, PoolFailure failure,
                               absl::string_view detail) {
  auto& stats = cluster_.stats();
  stats.upstream_cx_connect_fail.Inc();
  if (cluster_.tracked() != nullptr) cluster_.tracked()->CountConnectFailure(*host_);
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
  Forget(attempt);
  OnOneLess();
}

void HostPool::Forget(ConnectAttempt& attempt) {
  base::IntrusiveList<ConnectAttempt>::Remove(&attempt);
  expected_streams_ -= attempt.streams();
  cluster_.loop().Retire(std::unique_ptr<ConnectAttempt>(&attempt));
}

void HostPool::OnClosed(ClientConnection& connection) {
  CountEnded(connection.active_streams());
  cluster_.stats().upstream_cx_destroy.Inc();
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  cluster_.loop().Retire(std::unique_ptr<ClientConnection>(&connection));
  OnOneLess();
}

void HostPool::OnOneLess() {
  --connection_count_;
  cluster_.ReleaseConnection(*host_, kind_.priority);
  cluster_.stats().upstream_cx_active.Dec();
  StartConnections();
  LeaveIfUnused();
}

void HostPool::LeaveIfUnused() {
  if ((draining_ || !leads_) && !dying_ && !acquiring_ && empty()) cluster_.OnDrained(*this);
}

void HostPool::Drain() {
  draining_ = true;
  if (leader_ != nullptr) leader_->followers_active_ -= active();
  leader_ = nullptr;
  // A pool on its way out is not found any more by what others lend: who waits is served without.
  if (borrowing_ > 0) {
    while (StopBorrowing()) {
    }
    StartConnections();
  }
  while (pending_.empty() && !attempts_.empty()) {
    ConnectAttempt* const unwanted = attempts_.front();  // Who asked for it has left.
    unwanted->Cancel();
    Forget(*unwanted);
    cluster_.stats().upstream_cx_destroy.Inc();
    cluster_.stats().upstream_cx_destroy_local.Inc();
    OnOneLess();
  }
  while (ClientConnection* connection = free_.front()) {
    // What is under way ends before the connection does.
    base::IntrusiveList<ClientConnection>::Remove(connection);
    others_.PushFront(connection);
    connection->CloseWhenDone();
  }
  for (ClientConnection* each = others_.front(); each != nullptr;) {
    ClientConnection* next = others_.Next(each);
    each->CloseWhenDone();
    each = next;
  }
  if (empty()) cluster_.OnDrained(*this);
}

}  // namespace proxenos::upstream
