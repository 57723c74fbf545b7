// One request after another, pipelined ones held back.
#include "source/downstream/http1_connection.h"

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/base/overload.h"
#include "source/downstream/heavy_streams.h"
#include "source/downstream/listener.h"
#include "source/http/preface.h"

namespace proxenos::downstream {

using http1::DecodeResult;

Http1Connection::Http1Connection(HttpService& service, Arrival arrival, bool may_be_http2)
    : HttpConnection(service, std::move(arrival)), undecided_(may_be_http2) {
  if (!undecided_) CountConnection();
  ArmIdle(loop().now());
}

void Http1Connection::ArmIdle(base::MonoTime since) {
  base::MonoTime deadline = std::min(IdleDeadline(since), UntakenDeadline());
  if (!config().http1_waits_at_max_duration) deadline = std::min(deadline, EndOfLife());
  timer_.ArmAt(deadline);
}

void Http1Connection::CountConnection() {
  stats().downstream_cx_http1_total.Inc();
  stats().downstream_cx_http1_active.Inc();
}

bool Http1Connection::IsHttp1(buffer::Slice& bytes) {
  const http::Beginning beginning = http::BeginningOf(bytes.view());
  if (beginning == http::Beginning::kHttp1) {
    undecided_ = false;
    CountConnection();
    return true;
  }
  if (beginning == http::Beginning::kUndecided) {
    const base::Nanos timeout = HeadTimeout();
    if (timeout != 0) timer_.ArmIn(timeout);
    socket_.Hold(std::move(bytes));
  } else {
    listener().HandOn(*this, service().Begin(Leave(std::move(bytes)), HttpConfig::Codec::kHttp2));
  }
  return false;
}

Http1Connection::~Http1Connection() = default;

void Http1Connection::OnStreamBegin() {
  CountRequest();
  stats().downstream_rq_http1_total.Inc();
  timer_.Disarm();  // The stream has timers of its own.
}

bool Http1Connection::WantsBytes() const {
  // While draining too: a request may be on its way.
  if (stream_ == nullptr) return MayBeginNext();
  const Stream& stream = stream_->stream();
  return !stream.request_complete() && stream.has_room();
}

void Http1Connection::WantRead() {
  if (state_ == State::kOpen && socket_.may_read() && WantsBytes()) WantFlush();
}

bool Http1Connection::Receive(buffer::Slice bytes) {
  if (undecided_ && !IsHttp1(bytes)) return state_ == State::kOpen;
  if (ShedsLoad()) return false;
  for (int requests = 0; !bytes.empty(); ++requests) {
    if (stream_ == nullptr) {
      if (!MayBeginNext()) {
        socket_.Hold(std::move(bytes));
        return false;
      }
      stream_ = std::make_unique<Http1Stream>(*this);
    }
    if (!stream_->begun()) {
      const base::Nanos timeout = HeadTimeout();
      if (timeout != 0) timer_.ArmIn(timeout);
    }
    const DecodeResult result = stream_->Receive(bytes);
    if (result == DecodeResult::kError || state_ != State::kOpen) return false;
    if (result == DecodeResult::kNeedMore) {
      if (!bytes.empty()) socket_.Hold(std::move(bytes));
      if (stream_ != nullptr && !stream_->begun())
        ArmIdle(loop().now());  // An empty line (RFC 9112, 2.2).
      return true;
    }
    // The message is complete. Another behind it waits until its response is.
    if (stream_ != nullptr || requests == base::limits::kMaxPipelinedPerTurn) {
      socket_.Hold(std::move(bytes));
      if (stream_ == nullptr) WantFlush();
      return false;
    }
  }
  return true;
}

void Http1Connection::OnFlushed() {
  if (stream_ != nullptr && stream_->stream().has_head() && Room() > 0) stream_->stream().Run();
  if (state_ != State::kOpen) return;
  if (stream_ == nullptr && UntakenChanged()) ArmIdle(loop().now());
  if (stream_ == nullptr && socket_.holds() && !undecided_ && MayBeginNext()) {
    Receive(socket_.TakeHeld());
  } else if (WantsBytes()) {
    ReadOn();
  } else if (socket_.peer_closed()) {
    OnUnreadEnd();
  }
}

void Http1Connection::EndStream(bool close, bool abort) {
  std::unique_ptr<Http1Stream> ended = std::move(stream_);
  linger_ = linger_ || !ended->stream().request_complete();
  reset_ = abort && ended->response_until_close();
  ended->stream().Finish();
  loop().Retire(std::move(ended));
  Touch();
  if (abort) stats().downstream_rq_tx_reset.Inc();
  if (close) {
    StartClosing();
    return;
  }
  ArmIdle(loop().now());
  if (socket_.holds() || socket_.may_read()) WantFlush();
}

void Http1Connection::OnUnreadEnd() {
  if (stream_ == nullptr || !stream_->stream().tunnel()) OnPeerEnd(/*error=*/false);
}

void Http1Connection::OnPeerEnd(bool error) {
  // One direction of a tunnel may end before the other.
  if (stream_ != nullptr && !error && stream_->stream().tunnel() && stream_->OnPeerEnd()) return;
  if (stream_ != nullptr && stream_->stream().has_head() &&
      !stream_->stream().response_complete()) {
    stats().downstream_rq_rx_reset.Inc();
    stats().downstream_cx_destroy_active_rq.Inc();
    stats().downstream_cx_destroy_remote_active_rq.Inc();
  }
  Close(/*by_peer=*/true);
}

void Http1Connection::CutStreams(bool by_peer) {
  if (!undecided_) stats().downstream_cx_http1_active.Dec();
  std::unique_ptr<Http1Stream> cut = std::move(stream_);
  if (cut == nullptr) return;
  cut->stream().Cut(by_peer);
  loop().Retire(std::move(cut));
}

void Http1Connection::Drain(bool now) {
  draining_ = true;
  // A stream without a head yet is a request on its way; its own timeout bounds it.
  if (!now || stream_ != nullptr || state_ != State::kOpen) return;
  if (socket_.may_read()) {  // A request is on its way already.
    WantFlush();
    return;
  }
  Close(/*by_peer=*/false);
}

void Http1Connection::OnOpenTimer() {
  if (stream_ != nullptr && stream_->begun() && !stream_->stream().has_head()) {
    if (HeadEndsRequest()) {
      stats().downstream_rq_timeout.Inc();
      stream_->stream().Refuse(408, "request timeout", "request_overall_timeout", 0);
    } else {
      stats().downstream_rq_header_timeout.Inc();
      stream_->stream().Refuse(408, "request header timeout", "request_header_timeout", 0);
    }
    stream_->stream().Run();
  } else if (stream_ == nullptr || !stream_->begun()) {
    if (config().http1_waits_at_max_duration || !Outlived()) {
      stats().downstream_cx_idle_timeout.Inc();
    }
    Close(/*by_peer=*/false);
  }
}

void Http1Connection::RearmTimers() {
  if (state_ != State::kOpen) return;
  if (stream_ != nullptr && stream_->begun()) return stream_->stream().RearmTimers();
  // Who still takes the last response, or has begun to say which protocol it speaks, is not idle.
  if (!socket_.blocked() && !(undecided_ && socket_.holds())) ArmIdle(last_active());
}

void Http1Connection::AddHeavyStreams(HeavyStreams& into) {
  if (stream_ != nullptr) into.Add(stream_->stream());
}

// A request under way that has no response yet gets one, and so does the one that comes now. What
// has begun is cut.
bool Http1Connection::AbortsDispatch(const base::Overload& overload) {
  if (undecided_ || !overload.http1_abort.Sheds(loop().random())) return false;
  service().overload_stats().downstream_rq_overload_close.Inc();
  constexpr absl::string_view kWords = "Internal Server Error";
  if (stream_ == nullptr) stream_ = std::make_unique<Http1Stream>(*this);
  Stream& stream = stream_->stream();
  if (!stream.has_head()) {
    stream.Refuse(500, kWords, "overload", filter::kOverload);
  } else if (stream.response_sent()) {
    stream.Abort("overload", filter::kOverload);
  } else {
    stream.request.keep_alive = false;
    stream.Reply(500, kWords, "overload", filter::kOverload);
  }
  stream.Run();
  return true;
}

}  // namespace proxenos::downstream
