// Connecting and shaking hands.
#include "source/upstream/connect_try.h"

#include <sys/epoll.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "source/tls/tls_transport.h"
#include "source/upstream/connect_attempt.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

ConnectTry::ConnectTry(ConnectAttempt& attempt, Opening opening)
    : attempt_(attempt),
      established_{net::Connection(opening.fd.Release()), NextId(), attempt.loop().now(), 0},
      transport_(std::move(opening.transport)),
      preface_(std::move(opening.preface)) {
  established_.connection.Watch(attempt.loop(), this);
}

absl::string_view ConnectTry::protocol() const {
  const net::Transport* transport = established_.connection.transport();
  return transport == nullptr ? absl::string_view() : transport->protocol();
}

void ConnectTry::Cancel() {
  state_ = State::kOver;
  established_.connection.Close();
}

void ConnectTry::OnIo(uint32_t events) {
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
    established_.connected = attempt_.loop().now();
  }
  Advance();
}

void ConnectTry::Advance() {
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
  attempt_.OnTryDone(*this);
}

void ConnectTry::OnHandshake(const tls::TlsTransport& transport) {
  transport.shared_session()->SetHandshake(established_.connected, attempt_.loop().now());
  attempt_.pool().cluster().CountHandshake(transport.session());
}

void ConnectTry::Fail(PoolFailure failure, absl::string_view detail) {
  state_ = State::kOver;
  attempt_.OnTryFailed(failure, detail);
  established_.connection.Close();
}

}  // namespace proxenos::upstream
