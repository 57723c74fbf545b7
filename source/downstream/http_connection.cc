// Reading requests, writing responses, and the ways in which a connection ends.
#include "source/downstream/http_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "source/base/limits.h"
#include "source/downstream/listener.h"

namespace proxenos::downstream {
namespace {

using http1::DecodeResult;

uint64_t NextId() {
  static std::atomic<uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

HttpConnection::HttpConnection(Listener& listener, int fd, const net::Address& remote)
    : listener_(listener),
      connection_(listener.loop(), fd, this),
      timer_(listener.loop().timers(), [this] { OnTimer(); }),
      created_(listener.loop().now()),
      last_active_(created_) {
  info_.id = NextId();
  info_.direct_remote = remote;
  ArmIdle();
}

HttpConnection::~HttpConnection() = default;

const filter::ConnectionInfo& HttpConnection::info() {
  if (info_.local.family() == net::Address::Family::kNone && connection_.open()) {
    info_.local = net::Address::LocalOf(connection_.fd());
  }
  return info_;
}

void HttpConnection::ArmIdle() {
  const HttpConfig& config = listener_.http();
  base::MonoTime deadline = base::kNever;
  if (config.idle_timeout != 0) deadline = listener_.loop().now() + config.idle_timeout;
  if (config.max_connection_duration != 0) {
    deadline = std::min(deadline, created_ + config.max_connection_duration);
  }
  if (deadline != base::kNever) timer_.ArmAt(deadline);
}

void HttpConnection::Touch() { last_active_ = listener_.loop().now(); }

void HttpConnection::CountRequest() {
  ++requests_;
  Touch();
  auto& stats = listener_.http_stats();
  stats.downstream_rq_total.Inc();
  stats.downstream_rq_http1_total.Inc();
  stats.downstream_rq_active.Inc();
  timer_.Disarm();  // The stream has timers of its own.
}

bool HttpConnection::LastRequest() const {
  const uint32_t most = listener_.http().max_requests_per_connection;
  if (most == 0 || requests_ < most) return false;
  listener_.http_stats().downstream_cx_max_requests_reached.Inc();
  return true;
}

uint64_t HttpConnection::Room() const {
  const uint64_t waiting = connection_.out().size();
  const uint64_t limit = listener_.config().connection_buffer_bytes;
  return waiting >= limit ? 0 : limit - waiting;
}

void HttpConnection::OnIo(uint32_t events) {
  if (state_ == State::kClosed) return;
  connection_.Note(events);
  if ((events & EPOLLOUT) != 0 && !connection_.out().empty()) WantFlush();
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  if (state_ != State::kOpen) {
    Discard();
  } else if (WantsBytes()) {
    ReadRequests();
  } else if (connection_.peer_closed() && stream_ != nullptr && !stream_->tunnel()) {
    OnPeerEnd(/*error=*/false);
  }
}

bool HttpConnection::WantsBytes() const {
  if (state_ != State::kOpen) return false;
  if (stream_ == nullptr) return true;  // While draining too: a request may be on its way.
  if (stream_->request_complete()) return false;
  return stream_->has_room();
}

void HttpConnection::ReadRequests() {
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    if (!WantsBytes() || !connection_.may_read()) return;
    buffer::Slice bytes;
    switch (connection_.Read(&bytes)) {
      case net::Connection::ReadStatus::kNothing:
        return;
      case net::Connection::ReadStatus::kEnd:
        OnPeerEnd(/*error=*/false);
        return;
      case net::Connection::ReadStatus::kError:
        OnPeerEnd(/*error=*/true);
        return;
      case net::Connection::ReadStatus::kBytes:
        listener_.http_stats().downstream_cx_rx_bytes_total.Add(bytes.size());
        if (!Feed(std::move(bytes))) return;
        break;
    }
  }
  if (WantsBytes() && connection_.may_read()) WantFlush();  // Goes on in the next turn.
}

// Decodes what arrived. False when no more should be read now.
bool HttpConnection::Feed(buffer::Slice bytes) {
  for (int requests = 0; !bytes.empty(); ++requests) {
    if (stream_ == nullptr) {
      stream_ = std::make_unique<Stream>(*this);
      const base::Nanos timeout = listener_.http().request_headers_timeout;
      if (timeout != 0) timer_.ArmIn(timeout);
    }
    const DecodeResult result = stream_->Receive(bytes);
    if (result == DecodeResult::kError || state_ != State::kOpen) return false;
    if (result == DecodeResult::kNeedMore) {
      if (!bytes.empty()) connection_.Hold(std::move(bytes));
      return true;
    }
    // The message is complete. Another behind it waits until its response is.
    if (stream_ != nullptr || requests == base::limits::kMaxPipelinedPerTurn) {
      connection_.Hold(std::move(bytes));
      if (stream_ == nullptr) WantFlush();
      return false;
    }
  }
  return true;
}

void HttpConnection::WantFlush() { listener_.loop().AtTurnEnd(this); }

void HttpConnection::WantRead() {
  if (connection_.may_read() && WantsBytes()) WantFlush();
}

void HttpConnection::OnTurnEnd() {
  if (state_ == State::kClosed) return;
  const uint64_t before = connection_.bytes_written();
  const net::Connection::FlushStatus status = connection_.Flush();
  listener_.http_stats().downstream_cx_tx_bytes_total.Add(connection_.bytes_written() - before);
  if (status == net::Connection::FlushStatus::kError) {
    OnPeerEnd(/*error=*/true);
    return;
  }
  if (status == net::Connection::FlushStatus::kDone && state_ == State::kClosing) {
    StartClosing();
    return;
  }
  if (state_ != State::kOpen) {
    if (connection_.bytes_written() != before && state_ == State::kClosing) ArmFlushTimeout();
    if (connection_.may_read()) Discard();
    return;
  }
  if (stream_ != nullptr && stream_->has_head() && Room() > 0) stream_->Run();
  if (state_ != State::kOpen) return;
  if (stream_ == nullptr && connection_.holds()) {
    Feed(connection_.TakeHeld());
  } else if (connection_.may_read() && WantsBytes()) {
    ReadRequests();
  } else if (connection_.peer_closed() && !WantsBytes() && stream_ != nullptr &&
             !stream_->tunnel()) {
    OnPeerEnd(/*error=*/false);
  }
}

void HttpConnection::EndStream(bool close, bool abort) {
  std::unique_ptr<Stream> ended = std::move(stream_);
  linger_ = linger_ || !ended->request_complete();
  reset_ = abort && ended->response_until_close();
  auto& stats = listener_.http_stats();
  if (ended->info.start != 0 && ended->info.connection != nullptr) {
    stats.downstream_rq_active.Dec();
    listener_.CountResponse(ended->info.response_code);
    ended->Log();
    stats.downstream_rq_time.Record(
        static_cast<uint64_t>((ended->info.complete - ended->info.start) / base::kMillisecond));
  }
  ended->Complete();
  listener_.loop().Retire(std::move(ended));
  Touch();
  if (abort) stats.downstream_rq_tx_reset.Inc();
  if (close || abort) {
    state_ = State::kClosing;
    ArmFlushTimeout();
    WantFlush();
    return;
  }
  ArmIdle();
  if (connection_.holds() || connection_.may_read()) WantFlush();
}

// A peer that takes nothing of its response for that long does not get the rest.
void HttpConnection::ArmFlushTimeout() {
  const base::Nanos timeout = listener_.http().stream_idle_timeout;
  timer_.ArmIn(timeout != 0 ? timeout : base::limits::kStreamIdleTimeout);
}

void HttpConnection::StartClosing() {
  // What the peer still sends must be read, or the kernel answers it with a reset that may destroy
  // the response on its way. A peer that sent all it had needs no such care.
  const bool unread = connection_.holds() || connection_.may_read() || linger_;
  if (!unread || reset_ || connection_.peer_closed() ||
      listener_.http().delayed_close_timeout == 0) {
    Close(/*by_peer=*/false);
    return;
  }
  state_ = State::kLingering;
  connection_.ShutdownWrite();
  timer_.ArmIn(listener_.http().delayed_close_timeout);
  Discard();
}

void HttpConnection::Discard() {
  connection_.Hold(buffer::Slice());
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && connection_.may_read(); ++reads) {
    buffer::Slice bytes;
    const net::Connection::ReadStatus status = connection_.Read(&bytes);
    if (status == net::Connection::ReadStatus::kNothing) return;
    if (status == net::Connection::ReadStatus::kBytes) continue;
    if (state_ == State::kLingering || status == net::Connection::ReadStatus::kError) {
      Close(/*by_peer=*/true);
    }
    return;
  }
  if (connection_.may_read()) WantFlush();  // Goes on behind others, until the timer ends it.
}

void HttpConnection::OnPeerEnd(bool error) {
  // One direction of a tunnel may end before the other.
  if (stream_ != nullptr && !error && stream_->tunnel() && stream_->OnPeerEnd()) return;
  if (stream_ != nullptr && stream_->has_head() && !stream_->response_complete()) {
    auto& stats = listener_.http_stats();
    stats.downstream_rq_rx_reset.Inc();
    stats.downstream_cx_destroy_active_rq.Inc();
    stats.downstream_cx_destroy_remote_active_rq.Inc();
  }
  Close(/*by_peer=*/true);
}

void HttpConnection::Close(bool by_peer) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  auto& stats = listener_.http_stats();
  if (std::unique_ptr<Stream> cut = std::move(stream_)) {
    if (cut->has_head() && cut->info.connection != nullptr) {
      if (by_peer) cut->info.flags |= filter::kDownstreamConnectionTermination;
      if (by_peer) {
        cut->info.details = "downstream_remote_disconnect";
      } else if (cut->info.details.empty()) {
        cut->info.details = "downstream_local_disconnect";
      }
      stats.downstream_rq_active.Dec();
      listener_.CountResponse(cut->info.response_code);
      cut->Log();
    }
    cut->Complete();
    listener_.loop().Retire(std::move(cut));
  }
  if (by_peer) {
    stats.downstream_cx_destroy_remote.Inc();
  } else {
    stats.downstream_cx_destroy_local.Inc();
  }
  const auto length_ms =
      static_cast<uint64_t>((listener_.loop().now() - created_) / base::kMillisecond);
  stats.downstream_cx_length_ms.Record(length_ms);
  listener_.stats().downstream_cx_length_ms.Record(length_ms);
  timer_.Disarm();
  connection_.Close(reset_);
  listener_.Remove(*this);
}

void HttpConnection::Abort() { Close(/*by_peer=*/false); }

void HttpConnection::Drain(bool now) {
  draining_ = true;
  // A stream without a head yet is a request on its way; its own timeout bounds it.
  if (!now || stream_ != nullptr || state_ != State::kOpen) return;
  if (connection_.may_read()) {  // A request is on its way already.
    WantFlush();
    return;
  }
  Close(/*by_peer=*/false);
}

void HttpConnection::OnTimer() {
  auto& stats = listener_.http_stats();
  if (state_ == State::kLingering || state_ == State::kClosing) {
    Close(/*by_peer=*/false);
  } else if (stream_ != nullptr && !stream_->has_head()) {
    stats.downstream_rq_header_timeout.Inc();
    stream_->Refuse(408, "request header timeout", "request_header_timeout", 0);
    stream_->Run();
  } else if (stream_ == nullptr && state_ == State::kOpen) {
    if (listener_.http().max_connection_duration != 0 &&
        listener_.loop().now() - created_ >= listener_.http().max_connection_duration) {
      stats.downstream_cx_max_duration_reached.Inc();
    } else {
      stats.downstream_cx_idle_timeout.Inc();
    }
    Close(/*by_peer=*/false);
  }
}

}  // namespace proxenos::downstream
