// Streams as the session tells of them, and the ways in which the connection goes away.
#include "source/downstream/http2_connection.h"

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/downstream/heavy_streams.h"
#include "source/downstream/listener.h"

namespace proxenos::downstream {
namespace {

// What is encoded ahead of the socket: what it takes at once, so that a stream which becomes ready
// later does not wait behind much.
constexpr uint64_t kAheadBytes = 128 * 1024;

// From then on an idle session is worth a system call to be made smaller.
constexpr base::Nanos kQuietAfter = base::kSecond;

}  // namespace

Http2Connection::Http2Connection(HttpService& service, Arrival arrival)
    : HttpConnection(service, std::move(arrival)),
      session_(service.config().http2.options, service.http2_stats(), *this) {
  stats().downstream_cx_http2_total.Inc();
  stats().downstream_cx_http2_active.Inc();
  if (config().max_connection_duration != 0) {
    leave_timer_.emplace(loop().timers(), [this] {
      if (state_ != State::kOpen) return;
      if (leaving_ == Leaving::kServing) {
        stats().downstream_cx_max_duration_reached.Inc();
        Leave();
      } else {
        LeaveNow();
      }
    });
    leave_timer_->ArmAt(EndOfLife());
  }
  if (config().http2.keepalive.interval != 0) {
    keepalive_timer_.emplace(loop().timers(), [this] { OnKeepalive(); });
    ArmKeepalive();
  }
  timer_.ArmAt(IdleDeadline(loop().now()));
  WantFlush();  // Our SETTINGS.
}

Http2Connection::~Http2Connection() = default;

void Http2Connection::CountStream() {
  CountRequest();
  stats().downstream_rq_http2_total.Inc();
  if (leaving_ == Leaving::kServing && LastRequest()) {
    wants_leave_ = true;
    WantFlush();
  }
}

bool Http2Connection::Receive(buffer::Slice bytes) {
  if (ShedsLoad()) return false;
  if (!session_.Receive(bytes)) {
    stats().downstream_cx_protocol_error.Inc();
    broken_ = true;
    WantFlush();
    return false;
  }
  WatchHead();
  if (awaiting_pong_) keepalive_timer_->ArmIn(config().http2.keepalive.timeout);
  if (session_.wants_write()) WantFlush();
  return true;
}

void Http2Connection::WatchHead() {
  if (unfinished_head_ == 0) return;
  Http2Stream* newest = Find(unfinished_head_);
  if (newest != nullptr && !newest->stream().has_head()) {
    const base::Nanos timeout = HeadTimeout();
    if (timeout != 0 && !timer_.armed()) timer_.ArmIn(timeout);
    return;
  }
  unfinished_head_ = 0;
  if (!streams_.empty()) timer_.Disarm();
}

http::RequestVisitor* Http2Connection::OnStreamBegin(http2::StreamId id) {
  if (state_ != State::kOpen || broken_) return nullptr;
  if (streams_.empty()) timer_.Disarm();  // Not idle any more; each stream has timers of its own.
  auto stream = std::make_unique<Http2Stream>(*this, id);
  http::RequestVisitor& visitor = stream->stream();
  streams_.emplace(id, std::move(stream));
  unfinished_head_ = id;
  return &visitor;
}

Http2Stream* Http2Connection::Find(http2::StreamId id) {
  const auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second.get();
}

void Http2Connection::OnHeadRefused(http2::StreamId id, http::CodecError error) {
  Http2Stream* stream = Find(id);
  if (stream != nullptr) stream->stream().RefuseMessage(error);
}

void Http2Connection::OnReset(http2::StreamId id, http2::ErrorCode code, bool by_peer) {
  Http2Stream* stream = Find(id);
  if (stream == nullptr) return;
  if (!stream->stream().over()) {
    if (by_peer) {
      stats().downstream_rq_rx_reset.Inc();
    } else {
      stats().downstream_rq_tx_reset.Inc();
    }
  }
  stream->OnReset(code, by_peer,
                  session_.detail().empty() ? "http2.stream_error" : session_.detail());
}

void Http2Connection::OnClosed(http2::StreamId id) {
  Http2Stream* stream = Find(id);
  if (stream != nullptr && stream->OnClosed()) Remove(id);
}

void Http2Connection::OnRoom(http2::StreamId id) {
  Http2Stream* stream = Find(id);
  if (stream != nullptr && !stream->stream().over()) loop().Schedule(&stream->stream());
}

void Http2Connection::OnGoAway(http2::StreamId, http2::ErrorCode) {
  wants_leave_ = true;  // The client is leaving, so we do, once its streams have ended.
  WantFlush();
}

void Http2Connection::Remove(http2::StreamId id) {
  const auto it = streams_.find(id);
  loop().Retire(std::move(it->second));
  streams_.erase(it);
  if (!streams_.empty() || state_ != State::kOpen) return;
  ArmIdle(loop().now());
  if (leaving_ == Leaving::kLeaving) WantFlush();
}

void Http2Connection::ArmIdle(base::MonoTime since) {
  idle_deadline_ = std::min(IdleDeadline(since), UntakenDeadline());
  timer_.ArmAt(std::min(idle_deadline_, loop().now() + kQuietAfter));
}

bool Http2Connection::WantsBytes() const {
  return session_.pending_bytes() < service().connection_buffer_bytes();
}

void Http2Connection::EndStream(Http2Stream& stream, bool abort) {
  stream.CountReceived();
  stream.stream().Finish();
  Touch();
  if (abort && !stream.reset()) stats().downstream_rq_tx_reset.Inc();
  if (stream.closed()) {
    Remove(stream.id());
  } else {
    stream.Release(abort);
  }
}

void Http2Connection::Produce() {
  if (std::exchange(wants_leave_, false)) Leave();
  const uint64_t most = std::min<uint64_t>(kAheadBytes, service().connection_buffer_bytes());
  session_.Produce(socket_.out(), most);
  if (broken_) {
    linger_ = true;
    CutAll(/*by_peer=*/false);
    StartClosing();
  }
}

void Http2Connection::OnFlushed() {
  const bool left = leaving_ == Leaving::kLeaving && streams_.empty() && !session_.wants_write();
  if (left || session_.finished()) {
    linger_ = true;  // A request may have crossed our GOAWAY.
    StartClosing();
    return;
  }
  if (streams_.empty() && UntakenChanged()) ArmIdle(loop().now());
  if (session_.wants_write() && !socket_.blocked()) WantFlush();
  if (socket_.holds()) {
    Receive(socket_.TakeHeld());
  } else if (socket_.may_read()) {
    ReadOn();
  }
}

void Http2Connection::OnPeerEnd(bool) {
  uint32_t cut = 0;
  for (auto& [id, stream] : streams_) cut += !stream->stream().over();
  if (cut > 0) {
    stats().downstream_rq_rx_reset.Add(cut);
    stats().downstream_cx_destroy_active_rq.Inc();
    stats().downstream_cx_destroy_remote_active_rq.Inc();
  }
  Close(/*by_peer=*/true);
}

void Http2Connection::CutStreams(bool by_peer) {
  stats().downstream_cx_http2_active.Dec();
  CutAll(by_peer);
}

void Http2Connection::CutAll(bool by_peer) {
  for (auto& [id, stream] : streams_) {
    stream->stream().Cut(by_peer);
    loop().Retire(std::move(stream));
  }
  streams_.clear();
  leave_timer_.reset();
  keepalive_timer_.reset();
}

void Http2Connection::Drain(bool now) {
  draining_ = true;
  if (state_ != State::kOpen) return;
  if (now && streams_.empty()) {
    LeaveNow();
  } else if (leaving_ == Leaving::kServing) {
    Leave();
  }
}

void Http2Connection::Leave() {
  if (leaving_ != Leaving::kServing) return;
  if (config().drain_timeout == 0) {
    LeaveNow();
    return;
  }
  leaving_ = Leaving::kNoticed;
  session_.SendShutdownNotice();
  if (!leave_timer_) {
    leave_timer_.emplace(loop().timers(), [this] {
      if (state_ == State::kOpen) LeaveNow();
    });
  }
  leave_timer_->ArmIn(DrainTimeout());
  WantFlush();
}

void Http2Connection::LeaveNow() {
  if (leaving_ == Leaving::kLeaving) return;
  leaving_ = Leaving::kLeaving;
  session_.SendGoAway(http2::ErrorCode::kNoError);
  WantFlush();
}

void Http2Connection::CloseForOverload() {
  session_.SendGoAway(http2::ErrorCode::kNoError);
  broken_ = true;
  WantFlush();
}

void Http2Connection::RearmTimers() {
  if (state_ != State::kOpen) return;
  for (auto& [id, stream] : streams_) stream->RearmTimers();
  if (leaving_ == Leaving::kServing && leave_timer_) leave_timer_->ArmAt(EndOfLife());
  if (streams_.empty() && unfinished_head_ == 0 && !socket_.blocked()) ArmIdle(last_active());
}

void Http2Connection::AddHeavyStreams(HeavyStreams& into) {
  for (auto& [id, stream] : streams_) into.Add(stream->stream());
}

void Http2Connection::OnOpenTimer() {
  if (unfinished_head_ != 0) {
    // The rest of the head would be needed to read any other: only the connection can end.
    stats::HttpStats& counts = stats();
    (HeadEndsRequest() ? counts.downstream_rq_timeout : counts.downstream_rq_header_timeout).Inc();
    session_.SendGoAway(http2::ErrorCode::kEnhanceYourCalm);
    broken_ = true;
    WantFlush();
  } else if (streams_.empty() && loop().now() < idle_deadline_) {
    session_.ReleaseIdleMemory();
    timer_.ArmAt(idle_deadline_);
  } else if (streams_.empty()) {
    stats().downstream_cx_idle_timeout.Inc();
    if (socket_.blocked()) return Close(/*by_peer=*/false);  // Who takes nothing hears no goodbye.
    LeaveNow();
  }
}

void Http2Connection::ArmKeepalive() {
  awaiting_pong_ = false;
  keepalive_timer_->ArmIn(config().http2.keepalive.UntilPing(loop().random()));
}

void Http2Connection::OnKeepalive() {
  if (state_ != State::kOpen) return;
  if (awaiting_pong_) {
    service().http2_stats().keepalive_timeout.Inc();
    Close(/*by_peer=*/false);
    return;
  }
  awaiting_pong_ = true;
  session_.SendPing(++pings_);
  keepalive_timer_->ArmIn(config().http2.keepalive.timeout);
  WantFlush();
}

void Http2Connection::OnPong(uint64_t opaque) {
  if (awaiting_pong_ && opaque == pings_) ArmKeepalive();
}

}  // namespace proxenos::downstream
