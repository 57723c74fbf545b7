// The pool's side of lending: which connections change workers, and for whom.
#include <memory>
#include <utility>

#include "source/upstream/http1_client_connection.h"
#include "source/upstream/lending.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

// Connections that serve any request that comes to the host, one at a time, and hold nothing of the
// thread that made them, as a TLS session does.
bool HostPool::Lends() const {
  if (cluster_.lender() == nullptr || !leads_ || draining_ || ExpectedStreams() != 1) return false;
  const TransportSocket& socket = cluster_.config().SocketOf(host_->transport_match());
  return socket.tls == TransportSocket::kPlaintext && socket.proxy_header == ProxyHeader::kNone;
}

bool HostPool::Borrow() {
  // What connects ahead of need is for connections that others need themselves.
  if (pending_count_ <= expected_streams_ || !Lends()) return false;
  if (pending_.back()->wants_fresh) return false;  // What is lent was kept.
  const bool without = connection_count_ == 0 && borrowing_ == 0;
  if (!cluster_.lender()->Borrow(host_, without)) return false;
  ++borrowing_;
  ++expected_streams_;
  return true;
}

// A worker without any connection may make one beyond the limit. There must not come to be more
// such workers than there were, or connections would pile up that each of them made in its turn.
std::unique_ptr<Loan> HostPool::Lend(bool to_one_without) {
  if (!Lends() || pending_count_ > 0) return nullptr;
  if (connection_count_ == 1 && !to_one_without && cluster_.AtConnectionLimit(*host_)) {
    return nullptr;
  }
  // The one that would be of use here last. One that turns out to be closed leaves the list.
  while (ClientConnection* connection = free_.back()) {
    if (connection->requests() == 0) return nullptr;  // Made ahead of need, for use here.
    std::unique_ptr<Loan> loan = connection->Part();
    if (loan != nullptr) return loan;
    if (free_.back() == connection) return nullptr;
  }
  return nullptr;
}

void HostPool::OnParted(ClientConnection& connection) {
  cluster_.CountMoved(*host_, /*here=*/false);
  base::IntrusiveList<ClientConnection>::Remove(&connection);
  cluster_.loop().Retire(std::unique_ptr<ClientConnection>(&connection));
  --connection_count_;
}

void HostPool::OnLoan(std::unique_ptr<Loan> loan, bool awaited) {
  cluster_.CountMoved(*host_, /*here=*/true);
  ++connection_count_;
  // Owned through its list until OnClosed hands it to the loop.
  auto* connection = std::make_unique<Http1ClientConnection>(*this, std::move(loan)).release();
  if (awaited) StopBorrowing();
  others_.PushFront(connection);
  Offer(*connection);
  StartConnections();
}

void HostPool::OnNoLoan() {
  if (!StopBorrowing()) return;
  if (pending_count_ > expected_streams_) StartConnection();
}

// False: a pool of the same host has taken the place of the one that asked.
bool HostPool::StopBorrowing() {
  if (borrowing_ == 0) return false;
  --borrowing_;
  --expected_streams_;
  return true;
}

}  // namespace proxenos::upstream
