// Reading, writing, and the ways in which a connection ends.
#include "source/downstream/http_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "source/base/limits.h"
#include "source/base/overload.h"
#include "source/base/random.h"
#include "source/downstream/listener.h"
#include "source/filter/log_notes.h"

namespace proxenos::downstream {

HttpConnection::HttpConnection(HttpService& service, Arrival arrival)
    : socket_(std::move(arrival.socket)),
      timer_(service.listener().loop().timers(), [this] { OnTimer(); }),
      service_(service),
      loop_(service.listener().loop()),
      info_(std::move(arrival.info)),
      last_active_(loop_.now()) {
  if (!arrival.counted) {
    stats().downstream_cx_total.Inc();
    stats().downstream_cx_active.Inc();
    if (info_.tls != nullptr) {
      stats().downstream_cx_ssl_total.Inc();
      stats().downstream_cx_ssl_active.Inc();
    }
  }
  socket_.Watch(loop_, this);
  if (socket_.holds() || socket_.may_read()) WantFlush();
}

HttpConnection::~HttpConnection() = default;

const filter::ConnectionInfo& HttpConnection::info() {
  if (info_.local.family() == net::Address::Family::kNone && socket_.open()) {
    info_.local = net::Address::LocalOf(socket_.fd());
  }
  return info_;
}

void HttpConnection::Describe(filter::StreamInfo& info) {
  DescribeConnection(this->info(), info);
  info.start = info_.begin;
  if (info.notes != nullptr) info.notes->downstream_close = close_type();
  info.filter_chain_name = service_.chain().name;
  info.bytes_received = socket_.bytes_read();
  info.bytes_sent = socket_.bytes_written();
}

net::CloseType HttpConnection::close_type() {
  // A peer whose bytes nobody wanted was not read from: the kernel tells, once.
  if (socket_.open() && socket_.peer_closed() && !socket_.reset_by_peer()) {
    reset_unread_ = reset_unread_ || socket_.TakeError() == ECONNRESET;
  }
  if (socket_.reset_by_peer() || reset_unread_) return net::CloseType::kRemoteReset;
  return reset_ ? net::CloseType::kLocalReset : net::CloseType::kNormal;
}

namespace {

// Up to so much of `whole`. The connection's number decides, so nothing is kept for it; `salt`
// tells apart what is drawn for one connection.
base::Nanos PartOf(base::Nanos whole, double percent, uint64_t id, uint64_t salt) {
  if (percent == 0) return 0;
  const auto most = static_cast<uint64_t>(static_cast<double>(whole) * percent / 100);
  return static_cast<base::Nanos>(base::Random(id * 2 + salt).Below(most + 1));
}

}  // namespace

base::MonoTime HttpConnection::EndOfLife() const {
  const base::Nanos most =
      base::Scaled(service_.listener().overload(), base::Overload::kConnectionDuration,
                   config().max_connection_duration);
  if (most == 0) return base::kNever;
  return created() + most +
         PartOf(most, config().max_connection_duration_jitter_percent, info_.id, 0);
}

base::Nanos HttpConnection::DrainTimeout() const {
  const base::Nanos timeout = config().drain_timeout;
  return timeout + PartOf(timeout, config().drain_timeout_jitter_percent, info_.id, 1);
}

bool HttpConnection::Outlived() {
  if (config().max_connection_duration == 0 || loop_.now() < EndOfLife()) return false;
  stats().downstream_cx_max_duration_reached.Inc();
  return true;
}

base::Nanos HttpConnection::HeadTimeout() const {
  const base::Nanos head = config().request_headers_timeout;
  const base::Nanos whole = config().request_timeout;
  return head == 0 || (whole != 0 && whole < head) ? whole : head;
}

base::MonoTime HttpConnection::IdleDeadline(base::MonoTime since) const {
  const base::Nanos timeout = base::Scaled(service_.listener().overload(),
                                           base::Overload::kConnectionIdle, config().idle_timeout);
  return timeout == 0 ? base::kNever : since + timeout;
}

bool HttpConnection::ShedsLoad() {
  const base::Overload* overload = listener().overload();
  if (overload == nullptr) return false;
  if (!std::exchange(heard_, true) && overload->codec.Sheds(loop_.random())) {
    service_.overload_stats().downstream_rq_overload_close.Inc();
    Close(/*by_peer=*/false);
    return true;
  }
  if (overload->go_away_close.Sheds(loop_.random())) {
    CloseForOverload();
    return true;
  }
  if (!draining_ && overload->go_away.Sheds(loop_.random())) Drain(/*now=*/false);
  return AbortsDispatch(*overload);
}

base::MonoTime HttpConnection::UntakenDeadline() const {
  return socket_.blocked() ? loop_.now() + FlushTimeout() : base::kNever;
}

bool HttpConnection::UntakenChanged() {
  const uint64_t at = socket_.blocked() ? socket_.bytes_written() + 1 : 0;
  return std::exchange(untaken_at_, at) != at;
}

void HttpConnection::CountRequest() {
  ++requests_;
  Touch();
  stats().downstream_rq_total.Inc();
  stats().downstream_rq_active.Inc();
}

bool HttpConnection::LastRequest() {
  const uint32_t most = config().max_requests_per_connection;
  if (most == 0 || requests_ < most) return false;
  stats().downstream_cx_max_requests_reached.Inc();
  return true;
}

uint64_t HttpConnection::Room() const {
  const uint64_t waiting = socket_.out().size();
  const uint64_t limit = service_.connection_buffer_bytes();
  return waiting >= limit ? 0 : limit - waiting;
}

void HttpConnection::OnIo(uint32_t events) {
  if (state_ == State::kClosed) return;
  socket_.Note(events);
  if ((events & EPOLLOUT) != 0 && (socket_.blocked() || !socket_.out().empty())) WantFlush();
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  if (state_ != State::kOpen) {
    Discard();
  } else if (WantsBytes()) {
    ReadOn();
  } else if (socket_.peer_closed()) {
    OnUnreadEnd();
  }
}

void HttpConnection::ReadOn() {
  uint64_t read = 0;
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    if (state_ != State::kOpen || !WantsBytes() || !socket_.may_read()) return;
    if (loop_.hurrying()) break;
    buffer::Slice bytes;
    const uint64_t before = socket_.bytes_read();
    const net::ReadStatus status = socket_.Read(&bytes);
    const uint64_t got = socket_.bytes_read() - before;
    stats().downstream_cx_rx_bytes_total.Add(got);
    read += got;
    if (read >= base::limits::kBulkBytes) loop_.Hurry();
    switch (status) {
      case net::ReadStatus::kNothing:
        return;
      case net::ReadStatus::kEnd:
        OnPeerEnd(/*error=*/false);
        return;
      case net::ReadStatus::kError:
        OnPeerEnd(/*error=*/true);
        return;
      case net::ReadStatus::kBytes:
        if (!Receive(std::move(bytes))) return;
        break;
    }
  }
  // Goes on in the next round.
  if (state_ == State::kOpen && WantsBytes() && socket_.may_read()) WantFlush();
}

void HttpConnection::OnTurnEnd() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kOpen) Produce();
  const uint64_t before = socket_.bytes_written();
  const net::FlushStatus status = socket_.Flush();
  const uint64_t sent = socket_.bytes_written() - before;
  stats().downstream_cx_tx_bytes_total.Add(sent);
  if (status == net::FlushStatus::kError) {
    OnPeerEnd(/*error=*/true);
  } else if (state_ == State::kOpen) {
    OnFlushed();
  } else if (state_ == State::kClosing && status == net::FlushStatus::kDone) {
    FinishClosing();
  } else {
    if (state_ == State::kClosing && sent != 0) timer_.ArmIn(FlushTimeout());
    if (socket_.may_read()) Discard();
  }
}

void HttpConnection::StartClosing() {
  state_ = State::kClosing;
  timer_.ArmIn(FlushTimeout());
  WantFlush();
}

// A peer that takes nothing of its response for that long does not get the rest.
base::Nanos HttpConnection::FlushTimeout() const {
  const base::Nanos timeout = config().stream_idle_timeout;
  return base::Scaled(service_.listener().overload(), base::Overload::kStreamFlush,
                      timeout != 0 ? timeout : base::limits::kStreamIdleTimeout);
}

void HttpConnection::FinishClosing() {
  // What the peer still sends must be read, or the kernel answers it with a reset that may destroy
  // the response on its way. A peer that sent all it had needs no such care.
  const bool unread = socket_.holds() || socket_.may_read() || linger_;
  if (!unread || reset_ || socket_.peer_closed() || config().delayed_close_timeout == 0) {
    Close(/*by_peer=*/false);
    return;
  }
  state_ = State::kLingering;
  socket_.ShutdownWrite();
  timer_.ArmIn(config().delayed_close_timeout);
  Discard();
}

void HttpConnection::Discard() {
  socket_.Hold(buffer::Slice());
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && socket_.may_read(); ++reads) {
    buffer::Slice bytes;
    const net::ReadStatus status = socket_.Read(&bytes);
    if (status == net::ReadStatus::kNothing) return;
    if (status == net::ReadStatus::kBytes) continue;
    if (state_ == State::kLingering || status == net::ReadStatus::kError) {
      Close(/*by_peer=*/true);
    }
    return;
  }
  if (socket_.may_read()) WantFlush();  // Goes on behind others, until the timer ends it.
}

void HttpConnection::Close(bool by_peer) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  NoteFailure(socket_, info_);
  CutStreams(by_peer);
  if (by_peer) {
    stats().downstream_cx_destroy_remote.Inc();
  } else {
    stats().downstream_cx_destroy_local.Inc();
  }
  stats().downstream_cx_active.Dec();
  if (info_.tls != nullptr) stats().downstream_cx_ssl_active.Dec();
  stats().downstream_cx_destroy.Inc();
  const auto length_ms = static_cast<uint64_t>((loop_.now() - info_.begin) / base::kMillisecond);
  stats().downstream_cx_length_ms.Record(length_ms);
  listener().stats().downstream_cx_length_ms.Record(length_ms);
  timer_.Disarm();
  socket_.Close(reset_);
  listener().Remove(*this);
}

Arrival HttpConnection::Leave(buffer::Slice rest) {
  state_ = State::kClosed;
  timer_.Disarm();
  socket_.Hold(std::move(rest));
  return Arrival{std::move(socket_), std::move(info_), /*counted=*/true};
}

void HttpConnection::OnTimer() {
  if (state_ == State::kLingering || state_ == State::kClosing) {
    Close(/*by_peer=*/false);
  } else if (state_ == State::kOpen) {
    OnOpenTimer();
  }
}

}  // namespace proxenos::downstream
