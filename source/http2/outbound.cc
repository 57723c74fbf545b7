// What we send on streams, on its way to nghttp2.
#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http2/callbacks.h"
#include "source/http2/session_state.h"

namespace proxenos::http2 {
namespace {

// A body of up to one frame goes at once; longer ones take turns with their siblings.
constexpr uint64_t kFrameBytes = 16384;

constexpr uint8_t EndFlag(bool end) { return end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE; }

}  // namespace

void SessionState::SendInformational(StreamId id, const http::ResponseHead& head) {
  DCHECK(!inside_ && head.status >= 100 && head.status < 200 && head.status != 101);
  Stream* stream = Find(id);
  if (stream == nullptr || broken_) return;
  DCHECK(!stream->head_sent);
  FieldList fields;
  fields.AddResponse(head, head.status, false);
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, id, nullptr, fields.data(),
                         fields.size(), nullptr);
  Drain();
}

uint64_t SessionState::SendResponse(StreamId id, const http::ResponseHead& head, bool end) {
  DCHECK(!inside_);
  Stream* stream = Find(id);
  if (stream == nullptr || broken_ || stream->reset_by_us) return 0;
  DCHECK(!stream->head_sent);
  uint16_t status = head.status;
  if (status == 101) {
    // There is none in HTTP/2 (RFC 9113, 8.6); whoever let it come here was not asked for it.
    if (!stream->extended_connect) {
      Reset(id, ErrorCode::kInternalError);
      return 0;
    }
    status = 200;
  }
  FieldList fields;
  fields.AddResponse(head, status, stream->head_request);
  stream->head_sent = true;
  stream->end_queued = end;
  if (end) EndSubmitted(*stream);
  const uint64_t before = pending_.size();
  nghttp2_submit_headers(session_.get(), EndFlag(end), id, nullptr, fields.data(), fields.size(),
                         nullptr);
  Drain();
  return pending_.size() - before;
}

StreamId SessionState::SendRequest(const http::RequestHead& head, bool end,
                                   http::ResponseVisitor& visitor) {
  DCHECK(!inside_ && CanBegin());
  FieldList fields;
  fields.AddRequest(head);
  // The number that nghttp2 is going to give.
  Stream& stream = Begin(static_cast<StreamId>(nghttp2_session_get_next_stream_id(session_.get())));
  stream.visitor = stream.response = &visitor;
  stream.head_request = head.method == http::Method::kHead;
  stream.plain_connect = head.method == http::Method::kConnect;
  stream.extended_connect = !head.upgrade.empty();
  stream.protocol = std::string(head.upgrade.data(), head.upgrade.size());
  stream.head_sent = true;
  stream.end_queued = end;
  if (end) EndSubmitted(stream);
  const uint64_t before = pending_.size();
  const int32_t id = nghttp2_submit_headers(session_.get(), EndFlag(end), -1, nullptr,
                                            fields.data(), fields.size(), &stream);
  CHECK(id == stream.id);
  meter_.CountStream();
  Drain();
  stream.wire_sent = pending_.size() - before;
  return id;
}

int SessionState::OnFrameNotSent(const nghttp2_frame& frame) {
  // A head that is larger than what can be packed: nothing of it left. (nghttp2 itself ends the
  // stream of a request.)
  if (frame.hd.type == NGHTTP2_HEADERS && server_ != nullptr) {
    Stream* stream = Find(frame.hd.stream_id);
    if (stream != nullptr && !stream->reset_by_us && !stream->closed) {
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream->id,
                                NGHTTP2_INTERNAL_ERROR);
    }
  }
  return 0;
}

bool SessionState::SendBody(StreamId id, buffer::Buffer& body, bool end,
                            const http::HeaderMap* trailers) {
  DCHECK(!inside_);
  Stream* stream = Find(id);
  if (stream == nullptr || stream->end_queued || stream->reset_by_us || broken_) {
    body.Clear();
    return true;
  }
  DCHECK(stream->head_sent);
  const uint64_t held = stream->queue.size();
  const uint64_t limit = options_.send_queue_bytes;
  const uint64_t taken = std::min(body.size(), held < limit ? limit - held : 0);
  if (taken == body.size()) {
    stream->queue.Append(std::move(body));
  } else {
    stream->queue.AppendFrom(body, taken);
    stream->wants_room = true;
  }
  stats_.pending_send_bytes.Add(taken);
  stream->wire_sent += Session::FramedBytes(taken);
  const bool all = body.empty();
  stream->end_queued = end && all;
  if (stream->end_queued && trailers != nullptr && !trailers->empty()) {
    if (stream->queue.empty()) {
      SubmitTrailers(*stream, *trailers);
      Drain();
      return true;
    }
    stream->trailers = std::make_unique<QueuedTrailers>();
    for (const http::Header& field : *trailers) {
      stream->trailers->fields.Add(field.name(), field.value());
    }
  }
  if (taken > 0 || stream->end_queued) Kick(*stream);
  return all;
}

// There is something to be read by nghttp2.
void SessionState::Kick(Stream& stream) {
  const bool long_body =
      stream.queue.size() > kFrameBytes || (stream.data_attached && !stream.end_queued);
  if (long_body && !stream.interleaved && server_ != nullptr) {
    stream.interleaved = true;
    const nghttp2_extpri priority = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(session_.get(), stream.id, &priority, 1);
  }
  if (!stream.data_attached) {
    stream.data_attached = true;
    const nghttp2_data_provider provider = BodyOf(stream);
    nghttp2_submit_data(session_.get(), NGHTTP2_FLAG_END_STREAM, stream.id, &provider);
  } else if (stream.data_deferred) {
    stream.data_deferred = false;
    nghttp2_session_resume_data(session_.get(), stream.id);
  }
}

ssize_t SessionState::ReadBody(Stream& stream, size_t max, uint32_t& flags) {
  if (draining_) return NGHTTP2_ERR_PAUSE;
  const uint64_t size = std::min<uint64_t>(max, stream.queue.size());
  if (size == 0 && !stream.end_queued) {
    stream.data_deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (size == stream.queue.size() && stream.end_queued) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.trailers != nullptr) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  return static_cast<ssize_t>(size);
}

int SessionState::SendData(const uint8_t* frame_header, size_t size, Stream& stream) {
  DCHECK(out_ != nullptr && size <= stream.queue.size());
  out_->Append(absl::string_view(reinterpret_cast<const char*>(frame_header), 9));
  out_->AppendFrom(stream.queue, size);
  stats_.pending_send_bytes.Sub(size);
  meter_.CountDataSent();
  if (stream.queue.empty() && stream.end_queued) {
    if (stream.trailers != nullptr) {
      SubmitTrailers(stream, stream.trailers->fields);
      stream.trailers.reset();
    } else {
      EndSent(stream);
    }
  } else if (stream.queue.empty() && stream.break_when_sent != ErrorCode::kNoError) {
    ResetNow(stream, stream.break_when_sent);
  } else if (stream.wants_room && stream.queue.size() <= options_.send_queue_bytes / 2) {
    stream.wants_room = false;
    stream.room_due = true;
    AddEvent(stream);
  }
  // What was made is taken; the rest waits.
  return out_->size() >= out_limit_ ? NGHTTP2_ERR_PAUSE : 0;
}

void SessionState::SubmitTrailers(Stream& stream, const http::HeaderMap& trailers) {
  FieldList fields;
  fields.AddTrailers(trailers);
  // These are copied: they wait in nghttp2's queue.
  fields.MakeCopied();
  nghttp2_submit_trailer(session_.get(), stream.id, fields.data(), fields.size());
  EndSubmitted(stream);
}

void SessionState::EndSubmitted(Stream& stream) {
  stream.end_submitted = true;
  ++submitted_ends_;
}

void SessionState::EndSent(Stream& stream) {
  if (std::exchange(stream.end_submitted, false)) --submitted_ends_;
  stream.end_sent = true;
  if (stream.reset_when_sent && !stream.remote_ended) {
    stream.reset_by_us = true;
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_NO_ERROR);
  }
}

void SessionState::DropQueue(Stream& stream) {
  stats_.pending_send_bytes.Sub(stream.queue.size());
  stream.queue.Clear();
  stream.trailers.reset();
}

void SessionState::Consume(StreamId id, uint64_t bytes) {
  Stream* stream = Find(id);
  if (stream == nullptr) return;
  const uint64_t credit = std::min(bytes, stream->unconsumed);
  if (credit == 0) return;
  stream->unconsumed -= credit;
  if (stream->remote_ended) {
    nghttp2_session_consume_connection(session_.get(), credit);
  } else {
    nghttp2_session_consume(session_.get(), id, credit);
  }
}

void SessionState::Detach(StreamId id) {
  Stream* stream = Find(id);
  if (stream != nullptr) Silence(*stream);
}

void SessionState::Reset(StreamId id, ErrorCode code) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->reset_by_us || broken_) return;
  Silence(*stream);
  if (code == ErrorCode::kNoError && stream->end_queued && !stream->end_sent) {
    stream->reset_when_sent = true;
    return;
  }
  ResetNow(*stream, code);
}

void SessionState::ResetWhenSent(StreamId id, ErrorCode code) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->queue.empty() || stream->end_queued) return Reset(id, code);
  Silence(*stream);
  stream->break_when_sent = code;
}

void SessionState::ResetNow(Stream& stream, ErrorCode code) {
  stream.reset_by_us = true;
  if (server_ != nullptr) history_.GiveUp(stream.id);
  DropQueue(stream);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                            static_cast<uint32_t>(code));
}

}  // namespace proxenos::http2
