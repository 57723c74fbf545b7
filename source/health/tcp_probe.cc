// One connection after another, or the same one again and again.
#include "source/health/tcp_probe.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/health/payload.h"
#include "source/net/socket.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/proxy_header.h"

namespace proxenos::health {
namespace {

using net::FlushStatus;
using net::ReadStatus;

// What does not have its answer in so much has none.
constexpr size_t kMaxReceived = 64 * 1024;

}  // namespace

TcpProbe::TcpProbe(const upstream::HealthCheck& check, CheckCluster& cluster,
                   std::shared_ptr<const upstream::Host> target, OnDone on_done)
    : Probe(std::move(on_done)),
      check_(check.tcp),
      reuse_(check.reuse_connection),
      cluster_(cluster),
      target_(std::move(target)) {}

TcpProbe::~TcpProbe() { Close(); }

void TcpProbe::Start() {
  received_.clear();
  if (connection_ != nullptr) {
    state_ = State::kAsking;
    Ask();
    return;
  }
  state_ = State::kConnecting;
  // The failure of a connection that could not be begun is told later in the turn.
  if (!Connect()) cluster_.loop().Schedule(this);
}

void TcpProbe::Run() {
  if (state_ == State::kConnecting && connection_ == nullptr) Fail();
}

bool TcpProbe::MakeTransport() {
  const upstream::TransportSocket& socket = cluster_.SocketOf(*target_);
  upstream::AppendProxyHeader(socket.proxy_header, net::Address(), net::Address(), {}, preface_);
  if (socket.tls == upstream::TransportSocket::kPlaintext) return true;
  upstream::WorkerCluster& cluster = *cluster_.get();
  base::Held<tls::ClientContext> context = cluster.tls_context(socket.tls);
  if (!context) return false;
  transport_ =
      upstream::MakeTlsTransport(std::move(context), cluster.config(), upstream::ConnectionKind(),
                                 *target_, cluster.tls_stats());
  return true;
}

bool TcpProbe::Connect() {
  preface_.Clear();
  transport_.reset();
  if (!MakeTransport()) return false;
  const net::Address& address = target_->address();
  auto fd = net::StartConnect(address, cluster_.get()->config().connecting->OptionsFor(address));
  if (!fd.ok()) return false;
  connection_ = std::make_unique<net::Connection>(fd->Release());
  connection_->Watch(cluster_.loop(), this);
  return true;
}

void TcpProbe::OnIo(uint32_t events) {
  if (connection_ == nullptr) return;
  connection_->Note(events);
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return Fail();
    if ((events & EPOLLOUT) == 0) return;
    if (!Advance()) return;
  }
  if (state_ == State::kAsking) {
    cluster_.loop().AtTurnEnd(this);
    Read();
  } else if (state_ == State::kIdle && connection_ != nullptr) {
    // Between two questions: only whether it is still there matters.
    buffer::Slice bytes;
    while (connection_->may_read()) {
      const ReadStatus status = connection_->Read(&bytes);
      if (status == ReadStatus::kEnd || status == ReadStatus::kError) return Close();
      if (status == ReadStatus::kNothing) return;
    }
  }
}

bool TcpProbe::Advance() {
  switch (connection_->WriteRaw(preface_)) {
    case FlushStatus::kDone:
      break;
    case FlushStatus::kBlocked:
      return true;
    case FlushStatus::kError:
      Fail();
      return false;
  }
  if (transport_ != nullptr) connection_->SetTransport(std::move(transport_));
  if (net::Transport* transport = connection_->transport()) {
    switch (transport->Advance(*connection_)) {
      case net::Transport::Handshake::kDone:
        break;
      case net::Transport::Handshake::kWantsIo:
      case net::Transport::Handshake::kWaits:
        return true;
      case net::Transport::Handshake::kFailed:
        Fail();
        return false;
    }
  }
  state_ = State::kAsking;
  if (check_.receive.empty()) {
    Close();
    Pass();
    return false;
  }
  Ask();
  return true;
}

void TcpProbe::Ask() {
  if (check_.proxy_header == upstream::ProxyHeader::kV1) {
    upstream::AppendProxyHeader(check_.proxy_header, net::Address::LocalOf(connection_->fd()),
                                target_->address(), {}, connection_->out());
  } else {
    upstream::AppendProxyHeader(check_.proxy_header, net::Address(), net::Address(), {},
                                connection_->out());
  }
  connection_->out().Append(check_.send);
  cluster_.loop().AtTurnEnd(this);
}

void TcpProbe::OnTurnEnd() {
  if (connection_ == nullptr || state_ != State::kAsking) return;
  if (connection_->Flush() == FlushStatus::kError) Fail();
}

void TcpProbe::Read() {
  buffer::Slice bytes;
  while (connection_ != nullptr && connection_->may_read()) {
    switch (connection_->Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kEnd:
      case ReadStatus::kError:
        return Fail();
      case ReadStatus::kBytes:
        absl::StrAppend(&received_, bytes.view());
        break;
    }
    if (ContainsInOrder(received_, check_.receive)) {
      received_.clear();
      if (!reuse_) Close();
      return Pass();
    }
    if (received_.size() > kMaxReceived) return Fail();
  }
}

void TcpProbe::Pass() {
  state_ = State::kIdle;
  ProbeResult result;
  result.passed = true;
  Done(result);
}

void TcpProbe::Fail() {
  Close();
  Done(ProbeResult::Failed(Failure::kNetwork));
}

void TcpProbe::Close() {
  state_ = State::kIdle;
  if (connection_ == nullptr) return;
  // It may be on the stack.
  connection_->Close();
  cluster_.loop().Retire(std::move(connection_));
}

}  // namespace proxenos::health
