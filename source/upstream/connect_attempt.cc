// Connecting and shaking hands.
#include "source/upstream/connect_attempt.h"

#include <sys/epoll.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "source/tls/tls_transport.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

ConnectAttempt::ConnectAttempt(HostPool& pool, net::UniqueFd fd,
                               std::unique_ptr<net::Transport> transport, uint32_t streams)
    : pool_(pool),
      streams_(streams),
      established_{net::Connection(fd.Release()), NextId(), pool.cluster().loop().now(), 0},
      transport_(std::move(transport)),
      timeout_(pool.cluster().loop().timers(), [this] { Fail(PoolFailure::kConnectTimeout, ""); }) {
  established_.connection.Watch(pool.cluster().loop(), this);
  timeout_.ArmIn(pool.cluster().config().connect_timeout);
}

absl::string_view ConnectAttempt::protocol() const {
  const net::Transport* transport = established_.connection.transport();
  return transport == nullptr ? absl::string_view() : transport->protocol();
}

void ConnectAttempt::Cancel() {
  state_ = State::kOver;
  timeout_.Disarm();
  established_.connection.Close();
}

void ConnectAttempt::OnIo(uint32_t events) {
  if (state_ == State::kOver) return;
  net::Connection& connection = established_.connection;
  connection.Note(events);
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
      const int error = connection.TakeError();
      Fail(PoolFailure::kConnectFailure, error == 0 ? "connection closed" : std::strerror(error));
      return;
    }
    if ((events & EPOLLOUT) == 0) return;
    state_ = State::kPreface;
    established_.connected = pool_.cluster().loop().now();
  }
  Advance();
}

void ConnectAttempt::Advance() {
  net::Connection& connection = established_.connection;
  switch (connection.WriteRaw(preface_)) {
    case net::FlushStatus::kDone:
      break;
    case net::FlushStatus::kBlocked:
      return;
    case net::FlushStatus::kError:
      Fail(PoolFailure::kConnectFailure, std::strerror(connection.TakeError()));
      return;
  }
  if (transport_ != nullptr) connection.SetTransport(std::move(transport_));
  if (net::Transport* transport = connection.transport()) {
    switch (transport->Advance(connection)) {
      case net::Transport::Handshake::kDone:
        OnHandshake(*static_cast<tls::TlsTransport*>(transport));
        break;
      case net::Transport::Handshake::kWantsIo:
      case net::Transport::Handshake::kWaits:
        return;
      case net::Transport::Handshake::kFailed:
        Fail(PoolFailure::kTransportFailure, transport->failure());
        return;
    }
  }
  state_ = State::kOver;
  timeout_.Disarm();
  pool_.OnConnected(*this);
}

void ConnectAttempt::OnHandshake(const tls::TlsTransport& transport) {
  transport.shared_session()->SetHandshake(established_.connected, pool_.cluster().loop().now());
  pool_.cluster().CountHandshake(transport.session());
}

void ConnectAttempt::Fail(PoolFailure failure, absl::string_view detail) {
  state_ = State::kOver;
  timeout_.Disarm();
  pool_.OnConnectFailed(*this, failure, detail);
  established_.connection.Close();
}

}  // namespace proxenos::upstream
