// HTTP/2 on either side of a Stream.
#include "source/downstream/http2_stream.h"

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/base/overload.h"
#include "source/downstream/http2_connection.h"
#include "source/downstream/listener.h"
#include "source/downstream/origin_rules.h"
#include "source/filter/log_notes.h"

namespace proxenos::downstream {

using http::Framing;

Http2Stream::Http2Stream(Http2Connection& connection, http2::StreamId id)
    : connection_(connection), id_(id), stream_(connection, *this, Stream::Deposits::kSchedule) {}

Http2Stream::~Http2Stream() = default;

void Http2Stream::OnReset(http2::ErrorCode code, bool by_peer, absl::string_view detail) {
  reset_ = true;
  if (stream_.over()) return;
  if (by_peer) {
    stream_.Abort(
        code == http2::ErrorCode::kRefusedStream ? "http2.remote_refuse" : "http2.remote_reset",
        filter::kDownstreamRemoteReset);
  } else {
    stream_.Abort(detail, filter::kDownstreamProtocolError);
  }
}

bool Http2Stream::OnClosed() {
  closed_ = true;
  flush_timer_.reset();
  return stream_.over();
}

void Http2Stream::OnBegin() {
  connection_.CountStream();
  CountReceived();
}

void Http2Stream::CountReceived() {
  const uint64_t received = connection_.session().wire_bytes(id_).received;
  if (received != 0) stream_.info.downstream_wire_bytes_received = received;
}

void Http2Stream::SendInformational(const http::ResponseHead& head) {
  if (reset_) return;
  connection_.session().SendInformational(id_, head);
  connection_.WantFlush();
}

Framing::Kind Http2Stream::SendHead(http::ResponseHead& head, bool end) {
  if (connection_.draining()) connection_.stats().downstream_cx_drain_close.Inc();
  Framing::Kind framing =
      head.framing.kind == Framing::kUntilClose ? Framing::kChunked : head.framing.kind;
  // A success of CONNECT is a tunnel whatever it says, 204 too (RFC 9110, 9.3.6).
  const bool bodiless =
      stream_.request.method == http::Method::kHead || head.status == 204 || head.status == 304;
  if (bodiless && framing != Framing::kTunnel) framing = Framing::kNone;
  // Shorter than its length says: the end is not sent, and the stream will be reset.
  const bool cut = framing == Framing::kLength && head.framing.length != 0;
  end_sent_ = end && !cut;
  if (!reset_) {
    stream_.info.downstream_wire_bytes_sent += connection_.session().SendHead(id_, head, end_sent_);
  }
  stream_.info.response_header_bytes = head.headers.ByteSize();
  if (filter::LogNotes* notes = stream_.info.notes) {
    notes->response_fields = upstream::FieldBytes(head);
  }
  connection_.WantFlush();
  return framing;
}

uint64_t Http2Stream::SendBody(buffer::Buffer& body) {
  const uint64_t before = body.size();
  connection_.session().SendBody(id_, body, /*end=*/false, nullptr);
  connection_.WantFlush();
  const uint64_t sent = before - body.size();
  stream_.info.downstream_wire_bytes_sent += http2::Session::FramedBytes(sent);
  return sent;
}

void Http2Stream::SendEnd(const http::HeaderMap* trailers) {
  if (end_sent_ || reset_) return;
  end_sent_ = true;
  buffer::Buffer none;
  connection_.session().SendBody(id_, none, /*end=*/true, trailers);
  connection_.WantFlush();
}

// Credit goes back for what has left the stream; and for what a filter that wants the whole body
// holds beyond the window, or the rest could never come.
void Http2Stream::ReadOn() {
  const uint64_t window = connection_.config().http2.options.initial_stream_window;
  const uint64_t limit = stream_.body_limit(filter::Direction::kRequest);
  const uint64_t beyond = limit > window ? limit - window : 0;
  // Filters may have made more of the body than has come.
  const uint64_t received = stream_.info.bytes_received;
  const uint64_t held = std::min(stream_.held_bytes(), received);
  const uint64_t left = received - held + std::min(held, beyond);
  if (left <= credited_) return;
  connection_.session().Consume(id_, left - credited_);
  credited_ = left;
  connection_.WantFlush();
}

void Http2Stream::End(bool abort) { connection_.EndStream(*this, abort); }

http2::ErrorCode Http2Stream::AbortCode() const {
  // RFC 9113, 8.5: the error of a connection behind a tunnel is told as that.
  return stream_.tunnel() && (stream_.info.flags & filter::kUpstreamConnectionTermination) != 0
             ? http2::ErrorCode::kConnectError
             : http2::ErrorCode::kInternalError;
}

void Http2Stream::Release(bool abort) {
  if (closed_ || reset_) return;
  http2::Session& session = connection_.session();
  if (!abort) {
    // RFC 9113, 8.1: the response is complete, the rest of the request is not wanted.
    if (!stream_.request_complete()) session.Reset(id_, http2::ErrorCode::kNoError);
  } else if (stream_.broken_off()) {
    session.ResetWhenSent(id_, AbortCode());
  } else {
    session.Reset(id_, AbortCode());
  }
  const base::Nanos timeout = session.SendQueueEmpty(id_) ? 0 : FlushTimeout();
  if (timeout != 0) {
    flush_timer_.emplace(connection_.loop().timers(), [this] { OnFlushTimeout(); });
    flush_timer_->ArmIn(timeout);
  }
  connection_.WantFlush();
}

void Http2Stream::RearmTimers() {
  if (!stream_.over()) return stream_.RearmTimers();
  // How long it has waited is not known: from now on no longer than that.
  const base::Nanos timeout = FlushTimeout();
  if (!flush_timer_ || timeout == 0) return;
  const base::MonoTime latest = connection_.loop().now() + timeout;
  if (latest < flush_timer_->deadline()) flush_timer_->ArmAt(latest);
}

base::Nanos Http2Stream::FlushTimeout() const {
  return base::Scaled(connection_.listener().overload(), base::Overload::kStreamFlush,
                      ConfiguredFlushTimeout());
}

base::Nanos Http2Stream::ConfiguredFlushTimeout() const {
  const HttpConfig& config = connection_.config();
  const route::Forward* forward = stream_.route == nullptr ? nullptr : stream_.route->forward();
  if (forward != nullptr && forward->flush_timeout) return *forward->flush_timeout;
  if (config.origin != nullptr && config.origin->stream_flush_timeout) {
    return *config.origin->stream_flush_timeout;
  }
  const base::Nanos idle = forward != nullptr && forward->idle_timeout ? *forward->idle_timeout
                                                                       : config.stream_idle_timeout;
  // Who has switched the idle timeout off has not asked for streams that never end.
  return idle != 0 ? idle : base::limits::kStreamIdleTimeout;
}

void Http2Stream::OnFlushTimeout() {
  if (closed_) return;
  connection_.service().http2_stats().tx_flush_timeout.Inc();
  connection_.session().Reset(id_, http2::ErrorCode::kCancel);
  connection_.WantFlush();
}

}  // namespace proxenos::downstream
