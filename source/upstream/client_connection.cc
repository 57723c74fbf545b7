// The upstream side of one request after another.
#include "source/upstream/client_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "source/base/limits.h"
#include "source/http1/encoder.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {
namespace {

using http::Framing;
using http1::DecodeResult;

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

ClientConnection::ClientConnection(HostPool& pool, net::UniqueFd fd)
    : pool_(pool),
      id_(NextId()),
      connection_(pool.cluster().loop(), fd.Release(), this),
      timer_(pool.cluster().loop().timers(), [this] { OnTimer(); }),
      decoder_(pool.cluster().decoder_options(), *this),
      created_(pool.cluster().loop().now()),
      exchange_(this) {
  timer_.ArmIn(pool.cluster().config().connect_timeout);
}

ClientConnection::~ClientConnection() = default;

const net::Address& ClientConnection::local_address() {
  if (local_address_.family() == net::Address::Family::kNone && connection_.open()) {
    local_address_ = net::Address::LocalOf(connection_.fd());
  }
  return local_address_;
}

uint64_t ClientConnection::AgeMs() const {
  return static_cast<uint64_t>((pool_.cluster().loop().now() - created_) / base::kMillisecond);
}

void ClientConnection::ArmIdle() {
  const base::Nanos timeout = pool_.cluster().config().idle_timeout;
  if (timeout != 0) timer_.ArmIn(timeout);
}

void ClientConnection::Begin(Exchange& exchange) {
  DCHECK(state_ == State::kIdle);
  state_ = State::kBusy;
  timer_.Disarm();
  request_complete_ = response_complete_ = false;
  want_room_ = false;
  ++requests_;
  exchange.reused_connection = requests_ > 1;
  exchange_.Connect(exchange.connection);
}

void ClientConnection::SendHead(const http::RequestHead& head) {
  decoder_.Expect(head.method, !head.upgrade.empty());
  request_framing_ = http1::EncodeRequestHead(head, connection_.out());
  keep_alive_ = true;
  pool_.cluster().loop().AtTurnEnd(this);
}

uint64_t ClientConnection::Room() const {
  const uint64_t waiting = connection_.out().size();
  const uint64_t limit = pool_.cluster().write_limit();
  return waiting >= limit ? 0 : limit - waiting;
}

bool ClientConnection::SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) {
  if (state_ != State::kBusy) {
    body.Clear();
    return true;
  }
  const uint64_t take = std::min<uint64_t>(body.size(), Room());
  if (take > 0) {
    if (request_framing_ == Framing::kChunked) {
      buffer::Buffer chunk;
      chunk.AppendFrom(body, take);
      http1::AppendChunk(chunk, connection_.out());
    } else {
      connection_.out().AppendFrom(body, take);
    }
  }
  const bool all = body.empty();
  want_room_ = !all;
  if (all && end && !request_complete_) {
    if (request_framing_ == Framing::kChunked) {
      http1::AppendLastChunk(trailers, connection_.out());
    }
    request_complete_ = true;
  }
  pool_.cluster().loop().AtTurnEnd(this);
  return all;
}

void ClientConnection::OnIo(uint32_t events) {
  if (state_ == State::kClosed) return;
  connection_.Note(events);
  if (state_ == State::kConnecting) {
    OnConnectEvent(events);
    if (state_ != State::kBusy && state_ != State::kIdle) return;
  }
  if ((events & EPOLLOUT) != 0 && !connection_.out().empty()) {
    pool_.cluster().loop().AtTurnEnd(this);
  }
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) ReadResponse();
}

void ClientConnection::OnConnectEvent(uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    const int error = connection_.TakeError();
    state_ = State::kClosed;
    connection_.Close();
    pool_.OnConnectFailed(*this, PoolFailure::kConnectFailure,
                          error == 0 ? "connection closed" : std::strerror(error));
    return;
  }
  if ((events & EPOLLOUT) == 0) return;
  timer_.Disarm();
  state_ = State::kIdle;
  pool_.OnConnected(*this);
}

void ClientConnection::ReadResponse() {
  buffer::Slice bytes;
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    const Exchange* exchange = exchange_.get();
    if (exchange != nullptr && exchange->body.size() >= exchange->body_limit) return;
    if (!connection_.may_read()) return;
    switch (connection_.Read(&bytes)) {
      case net::Connection::ReadStatus::kNothing:
        return;
      case net::Connection::ReadStatus::kBytes:
        if (!Decode(bytes)) return;
        break;
      case net::Connection::ReadStatus::kEnd:
        if (decoder_.OnEof() == DecodeResult::kMessageComplete && state_ == State::kBusy) {
          keep_alive_ = false;
          Finish();
        } else {
          Fail(ResetReason::kRemoteClosed, "");
        }
        return;
      case net::Connection::ReadStatus::kError:
        Fail(ResetReason::kRemoteClosed, "");
        return;
    }
  }
  // More than one turn's share: the rest is read in the next, behind other connections.
  if (connection_.may_read() && state_ == State::kBusy) pool_.cluster().loop().AtTurnEnd(this);
}

// False when the connection is closed or done.
bool ClientConnection::Decode(buffer::Slice& bytes) {
  auto& stats = pool_.cluster().stats();
  stats.upstream_cx_rx_bytes_total.Add(bytes.size());
  Exchange* exchange = exchange_.get();
  if (exchange != nullptr) {
    exchange->any_bytes = true;
    exchange->wire_bytes_received += bytes.size();
  }
  switch (decoder_.Decode(bytes)) {
    case DecodeResult::kNeedMore:
      if (!bytes.empty()) connection_.Hold(std::move(bytes));
      bytes = buffer::Slice();
      if (exchange != nullptr) exchange->OnProgress();
      return true;
    case DecodeResult::kMessageComplete:
      // Bytes behind a response that nobody asked for: this connection cannot be trusted again.
      if (!bytes.empty()) keep_alive_ = false;
      Finish();
      return false;
    case DecodeResult::kError:
      stats.upstream_cx_protocol_error.Inc();
      Fail(ResetReason::kProtocolError, http::Detail(decoder_.error()));
      return false;
  }
  return false;
}

http::ResponseHead& ClientConnection::OnMessageBegin() {
  Exchange& exchange = *exchange_.get();
  // As constructed, whatever an informational response or an earlier attempt left there.
  http::ResponseHead& head = exchange.response;
  head.status = 0;
  head.version = http::Version::kHttp11;
  head.keep_alive = true;
  head.reason = head.upgrade = absl::string_view();
  head.framing = Framing();
  head.headers.Clear();
  return head;
}

void ClientConnection::OnInformational(buffer::Slice head) {
  Exchange& exchange = *exchange_.get();
  exchange.head_bytes = std::move(head);
  exchange.informational = true;
}

void ClientConnection::OnHead(buffer::Slice head) {
  Exchange& exchange = *exchange_.get();
  exchange.head_bytes = std::move(head);
  exchange.head = true;
  keep_alive_ = keep_alive_ && exchange.response.keep_alive;
}

void ClientConnection::OnBody(buffer::Slice data) { exchange_->body.Append(std::move(data)); }

http::HeaderMap& ClientConnection::OnTrailersBegin() {
  Exchange& exchange = *exchange_.get();
  buffer::Arena& arena = exchange.response.headers.arena();
  exchange.trailers = new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
  return *exchange.trailers;
}

void ClientConnection::OnTrailers(buffer::Slice bytes) {
  exchange_->trailer_bytes = std::move(bytes);
}

void ClientConnection::OnComplete() {
  response_complete_ = true;
  exchange_->end = true;
}

void ClientConnection::Finish() {
  Exchange& exchange = *exchange_.get();
  exchange.end = true;
  exchange.state = Exchange::State::kDone;
  exchange_.Clear();
  exchange.OnProgress();
  const ClusterConfig& config = pool_.cluster().config();
  auto& stats = pool_.cluster().stats();
  // A response before the end of its request leaves the connection in mid-message.
  if (!request_complete_) keep_alive_ = false;
  if (keep_alive_ && config.max_requests_per_connection != 0 &&
      requests_ >= config.max_requests_per_connection) {
    stats.upstream_cx_max_requests.Inc();
    keep_alive_ = false;
  }
  const base::MonoTime now = pool_.cluster().loop().now();
  if (config.max_connection_duration != 0 && now - created_ >= config.max_connection_duration) {
    keep_alive_ = false;
  }
  if (!keep_alive_) stats.upstream_cx_close_notify.Inc();
  // Where more may wait to be read, it would pass for the answer to the next request.
  if (!keep_alive_ || close_when_done_ || connection_.peer_closed() || connection_.may_read()) {
    Close();
    return;
  }
  state_ = State::kIdle;
  pool_.OnFinished(*this);
}

void ClientConnection::Fail(ResetReason reason, absl::string_view detail) {
  auto& stats = pool_.cluster().stats();
  stats.upstream_cx_destroy_remote.Inc();
  if (Exchange* exchange = exchange_.get()) {
    stats.upstream_cx_destroy_with_active_rq.Inc();
    stats.upstream_cx_destroy_remote_with_active_rq.Inc();
    exchange->state = Exchange::State::kReset;
    exchange->reset = reason;
    exchange->codec_detail = detail;
    exchange_.Clear();
    exchange->OnProgress();
  }
  Close();
}

void ClientConnection::Abandon() {
  exchange_.Clear();
  auto& stats = pool_.cluster().stats();
  stats.upstream_cx_destroy_with_active_rq.Inc();
  stats.upstream_cx_destroy_local_with_active_rq.Inc();
  stats.upstream_cx_destroy_local.Inc();
  Close();
}

void ClientConnection::ReadOn() {
  if (connection_.may_read()) pool_.cluster().loop().AtTurnEnd(this);
}

void ClientConnection::Close() {
  if (state_ == State::kClosed) return;
  const State before = state_;
  state_ = State::kClosed;
  timer_.Disarm();
  connection_.Close();
  pool_.cluster().stats().upstream_cx_length_ms.Record(AgeMs());
  pool_.OnClosed(*this, before);
}

void ClientConnection::OnTimer() {
  if (state_ == State::kConnecting) {
    state_ = State::kClosed;
    connection_.Close();
    pool_.OnConnectFailed(*this, PoolFailure::kConnectTimeout, "");
  } else if (state_ == State::kIdle) {
    pool_.cluster().stats().upstream_cx_idle_timeout.Inc();
    Close();
  }
}

void ClientConnection::OnTurnEnd() {
  if (state_ == State::kClosed || state_ == State::kConnecting) return;
  const uint64_t before = connection_.bytes_written();
  const net::Connection::FlushStatus status = connection_.Flush();
  pool_.cluster().stats().upstream_cx_tx_bytes_total.Add(connection_.bytes_written() - before);
  if (status == net::Connection::FlushStatus::kError) {
    // What the host sent before it broke the connection may explain why: read it first.
    ReadResponse();
    if (state_ != State::kClosed) Fail(ResetReason::kRemoteClosed, "");
    return;
  }
  if (status == net::Connection::FlushStatus::kDone && request_complete_ &&
      request_framing_ == Framing::kTunnel && state_ == State::kBusy) {
    connection_.ShutdownWrite();  // The client ended its direction of the tunnel.
  }
  if (want_room_ && Room() > 0) {
    if (Exchange* exchange = exchange_.get()) exchange->OnProgress();
  }
  if (connection_.may_read()) ReadResponse();
}

}  // namespace proxenos::upstream
