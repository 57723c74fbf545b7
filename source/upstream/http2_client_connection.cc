// Streams, flow control and the end of an upstream HTTP/2 connection.
#include "source/upstream/http2_client_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

using http2::ErrorCode;
using http2::StreamId;
using net::FlushStatus;
using net::ReadStatus;

Http2ClientConnection::Http2ClientConnection(HostPool& pool, Established established)
    : ClientConnection(pool, std::move(established), http::Version::kHttp2),
      keepalive_timer_(pool.cluster().loop().timers(), [this] { OnKeepaliveTimer(); }),
      last_read_(pool.cluster().loop().now()) {
  session_.emplace(pool.cluster().config().http2->options, pool.cluster().http2_stats(), *this);
  if (pool.cluster().config().http2->options.allow_connect) AwaitSettings();
  CountFree();
  OnPong(0);  // Begins with the first interval.
  Schedule();
}

Http2ClientConnection::~Http2ClientConnection() {
  while (Http2ClientStream* stream = streams_.PopFront()) {
    std::unique_ptr<Http2ClientStream> last(stream);
  }
}

bool Http2ClientConnection::Begin(Exchange& exchange) {
  DCHECK(free_ > 0 && !closed());
  idle_timer_.Disarm();
  const http2::Keepalive& keepalive = pool().cluster().config().http2->keepalive;
  if (keepalive.idle_interval != 0 && !awaiting_pong_ && active_ == 0 &&
      pool().cluster().loop().now() - last_read_ >= keepalive.idle_interval) {
    SendPing();
  }
  exchange.reused_connection = requests_ > 0;
  ++active_;
  ++requests_;
  // Owned through its list until Remove.
  auto* stream = std::make_unique<Http2ClientStream>(*this).release();
  streams_.PushBack(stream);
  stream->exchange_.Connect(exchange.stream);
  if (WornOut()) Drain();
  CountFree();
  return true;
}

bool Http2ClientConnection::Open(Http2ClientStream& stream, const http::RequestHead& head,
                                 bool end) {
  if (!session_->CanBegin()) return false;
  if (!head.upgrade.empty() && !settings_seen_) {
    // The stream is begun anew once they are there (RFC 8441, section 3).
    AwaitSettings();
    pool().Offer(*this);  // It is free for nobody until then.
    return false;
  }
  if (!head.upgrade.empty() && !session_->peer_allows_connect()) {
    stream.EndByReset(ResetReason::kLocalReset, "");
    Schedule();
    Remove(stream);
    return true;
  }
  stream.id_ = session_->SendHead(head, end, stream);
  stream.written_before_ = connection_.bytes_written();
  by_id_.emplace(stream.id_, &stream);
  Schedule();
  return true;
}

// The stream is over on both sides: its place is free.
void Http2ClientConnection::Remove(Http2ClientStream& stream) {
  base::IntrusiveList<Http2ClientStream>::Remove(&stream);
  pool().cluster().loop().Retire(std::unique_ptr<Http2ClientStream>(&stream));
  --active_;
  pool().CountEnded(1);
  changed_ = true;
}

Http2ClientStream* Http2ClientConnection::Find(StreamId id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

void Http2ClientConnection::OnReset(StreamId id, ErrorCode code, bool by_peer) {
  Http2ClientStream* stream = Find(id);
  if (stream == nullptr) return;
  if (code == ErrorCode::kRefusedStream) {  // By RST_STREAM or by a GOAWAY that leaves it out.
    if (Exchange* exchange = stream->exchange_.get()) exchange->unprocessed = true;
    stream->EndByReset(ResetReason::kRefusedStream, "");
  } else if (by_peer) {
    // As in Envoy, it does not matter which side says that the other does not speak HTTP/2.
    stream->EndByReset(
        code == ErrorCode::kProtocolError ? ResetReason::kProtocolError : ResetReason::kRemoteReset,
        "");
  } else {
    pool().cluster().stats().upstream_cx_protocol_error.Inc();
    stream->EndByReset(ResetReason::kProtocolError, session_->detail());
  }
}

void Http2ClientConnection::OnClosed(StreamId id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  Http2ClientStream& stream = *it->second;
  by_id_.erase(it);
  // Closed without a word about why, and the response not complete.
  stream.EndByReset(ResetReason::kRemoteReset, "");
  Remove(stream);
}

void Http2ClientConnection::OnRoom(StreamId id) {
  Http2ClientStream* stream = Find(id);
  if (stream == nullptr) return;
  if (Exchange* exchange = stream->exchange_.get()) exchange->OnProgress();
}

void Http2ClientConnection::OnGoAway(StreamId, ErrorCode) {
  pool().cluster().stats().upstream_cx_close_notify.Inc();
  Drain();
}

int64_t Http2ClientConnection::ExpectedStreams() const {
  return pool().cluster().config().http2->options.max_concurrent_streams;
}

void Http2ClientConnection::AwaitSettings() {
  if (!std::exchange(waits_for_settings_, true)) pool().Expect(ExpectedStreams());
  CountFree();
}

void Http2ClientConnection::StopWaiting() {
  if (std::exchange(waits_for_settings_, false)) pool().Expect(-ExpectedStreams());
}

void Http2ClientConnection::OnSettings() {
  settings_seen_ = true;
  StopWaiting();
  changed_ = true;
}

void Http2ClientConnection::Drain() {
  draining_ = true;
  changed_ = true;
}

void Http2ClientConnection::CountFree() {
  const uint32_t limit =
      draining_ || waits_for_settings_ || closed() ? 0 : session_->max_concurrent_streams();
  free_ = limit > active_ ? limit - active_ : 0;
}

void Http2ClientConnection::Settle() {
  if (closed() || !changed_) return;
  changed_ = false;
  CountFree();
  if (active_ == 0 && (draining_ || session_->finished())) {
    SayGoodbye(ErrorCode::kNoError);
    Close();
    return;
  }
  pool().Offer(*this);
}

void Http2ClientConnection::CloseWhenDone() {
  if (closed()) return;
  Drain();
  CountFree();
  if (active_ > 0) return;
  SayGoodbye(ErrorCode::kNoError);
  Close();
}

// GOAWAY, for as much as the socket takes at once.
void Http2ClientConnection::SayGoodbye(ErrorCode code) {
  if (code == ErrorCode::kNoError) session_->SendGoAway(code);
  session_->Produce(connection_.out(), base::limits::kConnectionOutBytes);
  Flush();
}

void Http2ClientConnection::OnIo(uint32_t events) {
  if (closed()) return;
  connection_.Note(events);
  if ((events & EPOLLOUT) != 0 && (!connection_.out().empty() || session_->wants_write())) {
    Schedule();
  }
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) Read();
}

void Http2ClientConnection::Read() {
  buffer::Slice bytes;
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    if (!connection_.may_read()) return;
    switch (connection_.Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kBytes:
        pool().cluster().stats().upstream_cx_rx_bytes_total.Add(bytes.size());
        last_read_ = pool().cluster().loop().now();
        if (awaiting_pong_) {
          keepalive_timer_.ArmIn(pool().cluster().config().http2->keepalive.timeout);
        }
        if (!session_->Receive(bytes)) {
          pool().cluster().stats().upstream_cx_protocol_error.Inc();
          const absl::string_view detail = session_->detail();
          SayGoodbye(session_->error());
          Fail(ResetReason::kProtocolError, detail);
          return;
        }
        Settle();
        if (closed()) return;
        if (session_->wants_write()) Schedule();
        break;
      case ReadStatus::kEnd:
      case ReadStatus::kError:
        Fail(ResetReason::kRemoteClosed, "");
        return;
    }
  }
  // More than one turn's share: the rest is read in the next, behind other connections.
  if (connection_.may_read()) Schedule();
}

void Http2ClientConnection::OnTurnEnd() {
  if (closed()) return;
  FlushStatus status = FlushStatus::kDone;
  do {
    session_->Produce(connection_.out(), base::limits::kConnectionOutBytes);
    if (connection_.out().empty()) break;
    status = Flush();
  } while (status == FlushStatus::kDone && session_->wants_write());
  if (status == FlushStatus::kError) {
    // What the host sent before it broke the connection may explain why: read it first.
    Read();
    if (!closed()) Fail(ResetReason::kRemoteClosed, "");
    return;
  }
  Settle();
  if (!closed() && connection_.may_read()) Read();
}

void Http2ClientConnection::ResetAll(ResetReason reason, absl::string_view detail) {
  for (Http2ClientStream* each = streams_.front(); each != nullptr; each = streams_.Next(each)) {
    if (Exchange* exchange = each->exchange_.get()) {
      // Nothing of it has left: it was not begun, or waited to be written.
      exchange->unprocessed =
          each->id_ == 0 || connection_.bytes_written() == each->written_before_;
    }
    each->EndByReset(reason, detail);
  }
}

void Http2ClientConnection::Fail(ResetReason reason, absl::string_view detail) {
  ResetAll(reason, detail);
  reason == ResetReason::kProtocolError ? Close() : CloseByRemote();
}

void Http2ClientConnection::OnClosing() {
  keepalive_timer_.Disarm();
  if (waits_for_settings_) {
    StopWaiting();
    // Whoever waits for it would have the next one made, which may end as this one did.
    pool().FailPending(PoolFailure::kConnectFailure, "closed before its SETTINGS came");
  }
  ResetAll(ResetReason::kLocalReset, "");
  session_.reset();
  by_id_.clear();
}

void Http2ClientConnection::SendPing() {
  session_->SendPing(requests_);
  awaiting_pong_ = true;
  keepalive_timer_.ArmIn(pool().cluster().config().http2->keepalive.timeout);
  Schedule();
}

void Http2ClientConnection::OnPong(uint64_t) {
  awaiting_pong_ = false;
  const http2::Keepalive& keepalive = pool().cluster().config().http2->keepalive;
  if (keepalive.interval == 0) {
    keepalive_timer_.Disarm();
    return;
  }
  keepalive_timer_.ArmIn(keepalive.UntilPing(pool().cluster().loop().random()));
}

void Http2ClientConnection::OnKeepaliveTimer() {
  if (!awaiting_pong_) {
    SendPing();
    return;
  }
  pool().cluster().http2_stats().keepalive_timeout.Inc();
  ResetAll(ResetReason::kRemoteClosed, "");
  Close();
}

}  // namespace proxenos::upstream
