// What nghttp2 makes of the peer's frames, on its way to the visitors.
#include <utility>

#include "source/base/check.h"
#include "source/http2/session_state.h"

namespace proxenos::http2 {
namespace {

using http::CodecError;

constexpr uint32_t kFrameHeaderBytes = 9;

// More interim responses than anybody has a use for.
constexpr uint8_t kMaxInformational = 32;

// Refused heads that HTTP has an answer for; any other is malformed (RFC 9113, 8.1.1).
bool IsAnswerable(CodecError error) {
  switch (error) {
    case CodecError::kHeadTooLarge:
    case CodecError::kTooManyHeaders:
    case CodecError::kBadExpect:
    case CodecError::kBadHost:
    case CodecError::kUnderscoreInName:
      return true;
    default:
      return false;
  }
}

uint64_t ReadOpaque(const uint8_t* bytes) {
  uint64_t opaque = 0;
  for (int i = 0; i < 8; ++i) opaque = opaque << 8 | bytes[i];
  return opaque;
}

}  // namespace

int SessionState::OnBeginFrame(const nghttp2_frame_hd& header) {
  if (broken_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (header.type == NGHTTP2_HEADERS) {
    JudgePast(header.stream_id);
    block_bytes_ = 0;
  }
  if (header.type == NGHTTP2_HEADERS || header.type == NGHTTP2_CONTINUATION) {
    block_bytes_ += header.length + kFrameHeaderBytes;
  }
  return Verdict();
}

// A client that goes on with a stream that is over has lost count: nghttp2 would ignore it.
void SessionState::JudgePast(StreamId id) {
  if (server_ == nullptr || Find(id) != nullptr) return;
  switch (history_.Of(id)) {
    case StreamHistory::Past::kSkipped:  // RFC 9113, section 5.1.1.
      Break(ErrorCode::kProtocolError, "http2.stream_id_went_back");
      break;
    case StreamHistory::Past::kEnded:  // Section 5.1.
      Break(ErrorCode::kStreamClosed, "http2.frame_for_closed_stream");
      break;
    case StreamHistory::Past::kNone:
    case StreamHistory::Past::kGivenUp:
      break;
  }
}

int SessionState::OnBeginHeaders(const nghttp2_frame& frame) {
  if (broken_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  reading_ = nullptr;
  reader_.BeginNothing();
  const StreamId id = frame.hd.stream_id;
  if (frame.hd.type != NGHTTP2_HEADERS) return 0;
  if (server_ != nullptr && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    history_.Open(id);
    http::RequestVisitor* visitor = server_->OnStreamBegin(id);
    if (visitor == nullptr) {
      stats_.stream_refused_errors.Inc();
      history_.GiveUp(id);
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    Stream& stream = Begin(id);
    nghttp2_session_set_stream_user_data(session_.get(), id, &stream);
    stream.visitor = stream.request = visitor;
    reading_ = &stream;
    reader_.BeginRequest(visitor->OnMessageBegin());
    return 0;
  }
  Stream* stream = Find(id);
  if (stream == nullptr || stream->visitor == nullptr) return 0;
  reading_ = stream;
  if (stream->head_received) {
    reader_.BeginTrailers(*stream->visitor);
  } else {
    DCHECK(stream->response != nullptr);
    RequestKind kind;
    kind.head = stream->head_request;
    kind.connect = stream->plain_connect;
    kind.extended_connect = stream->extended_connect;
    kind.protocol = stream->protocol;
    reader_.BeginResponse(stream->response->OnMessageBegin(), kind);
  }
  return 0;
}

int SessionState::OnHeader(absl::string_view name, absl::string_view value) {
  if (broken_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (!reader_.Take(name, value)) {
    stats_.header_overflow.Inc();
    Break(ErrorCode::kEnhanceYourCalm, "http2.header_overflow");
  }
  return Verdict();
}

int SessionState::OnFrame(const nghttp2_frame& frame) {
  if (broken_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  const StreamId id = frame.hd.stream_id;
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_DATA: {
      Stream* stream = Find(id);
      if (stream == nullptr) return 0;
      stream->wire_received += frame.hd.length + kFrameHeaderBytes;
      return end_stream ? EndMessage(*stream) : 0;
    }
    case NGHTTP2_HEADERS: {
      Stream* stream = Find(id);
      if (stream == nullptr) return 0;
      if (reading_ == stream) return OnHead(*stream, end_stream);
      return end_stream ? EndMessage(*stream) : 0;
    }
    case NGHTTP2_RST_STREAM: {
      stats_.rx_reset.Inc();
      Stream* stream = Find(id);
      if (stream != nullptr) stream->reset_by_peer = true;
      if (stream == nullptr || !stream->head_sent) SpendReset();
      return Verdict();
    }
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0 && client_ != nullptr) client_->OnSettings();
      return 0;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        visitor_.OnPong(ReadOpaque(frame.ping.opaque_data));
      }
      return 0;
    case NGHTTP2_GOAWAY:
      visitor_.OnGoAway(frame.goaway.last_stream_id,
                        static_cast<ErrorCode>(frame.goaway.error_code));
      return 0;
    default:
      return 0;
  }
}

// The block of `stream` is complete: a request's or response's head, or trailers.
int SessionState::OnHead(Stream& stream, bool end_stream) {
  reading_ = nullptr;
  stream.wire_received += block_bytes_;
  const bool trailers = stream.head_received;
  const CodecError error = reader_.Finish(end_stream);
  const bool too_large = error == CodecError::kTrailersTooLarge ||
                         (client_ != nullptr && (error == CodecError::kHeadTooLarge ||
                                                 error == CodecError::kTooManyHeaders));
  if (too_large) {  // The message is well formed, and not wanted.
    ResetProvoked(stream, ErrorCode::kInternalError);
    return Verdict();
  }
  if (error != CodecError::kNone) {
    if (trailers || server_ == nullptr || !IsAnswerable(error)) return OnMalformed(stream);
    stream.head_received = true;
    stream.reset_when_sent = true;  // Nobody wants its body.
    Silence(stream);
    server_->OnHeadRefused(stream.id, error);
    return end_stream ? EndMessage(stream) : Verdict();
  }
  if (trailers) {
    if (reader_.has_trailers()) {
      stats_.trailers.Inc();
      stream.visitor->OnTrailers(buffer::Slice());
    }
    return EndMessage(stream);
  }
  if (reader_.has_length()) stream.expected = reader_.length();
  if (server_ == nullptr) return OnResponseHead(stream, end_stream);
  const http::RequestHead& head = reader_.request();
  stream.head_request = head.method == http::Method::kHead;
  stream.plain_connect = head.method == http::Method::kConnect;
  stream.extended_connect = !head.upgrade.empty();
  stream.head_received = true;
  stream.visitor->OnHead(buffer::Slice());
  return end_stream ? EndMessage(stream) : Verdict();
}

int SessionState::OnResponseHead(Stream& stream, bool end_stream) {
  const http::ResponseHead& head = reader_.response();
  if (head.status < 200 && head.status != 101) {
    // All of them together may be as large as one head: they may unfold from next to nothing, and
    // stay as long as the request.
    stream.informational_bytes += static_cast<uint32_t>(reader_.bytes());
    if (++stream.informational > kMaxInformational ||
        stream.informational_bytes > options_.max_head_bytes) {
      return OnMalformed(stream);
    }
    stream.expected = Stream::kNoLength;
    stream.response->OnInformational(buffer::Slice());
    return Verdict();
  }
  stream.head_received = true;
  stream.no_content = head.framing.kind != http::Framing::kTunnel &&
                      (head.status == 204 || head.status == 304 || stream.head_request);
  stream.visitor->OnHead(buffer::Slice());
  return end_stream ? EndMessage(stream) : Verdict();
}

int SessionState::OnData(StreamId id, const uint8_t* data, size_t size) {
  if (broken_) return NGHTTP2_ERR_CALLBACK_FAILURE;
  Stream* stream = Find(id);
  if (stream == nullptr) {
    nghttp2_session_consume_connection(session_.get(), size);
    return 0;
  }
  stream->unconsumed += size;
  stream->received += size;
  if (stream->visitor == nullptr) {
    Consume(id, size);
    return 0;
  }
  // RFC 9113, 8.1 and 8.1.1: content before the head, where there is none, or more than was said.
  if (!stream->head_received) return OnMalformed(*stream);
  if (stream->no_content || stream->received > stream->expected) return OnWrongContent(*stream);
  const char* const begin = reinterpret_cast<const char*>(data);
  DCHECK(begin >= in_->data() && begin + size <= in_->data() + in_->size());
  stream->visitor->OnBody(
      in_->Sub(static_cast<uint32_t>(begin - in_->data()), static_cast<uint32_t>(size)));
  return Verdict();
}

int SessionState::EndMessage(Stream& stream) {
  stream.remote_ended = true;
  if (stream.visitor == nullptr) return Verdict();
  const bool short_of = stream.expected != Stream::kNoLength && stream.received < stream.expected;
  if (!stream.head_received) return OnMalformed(stream);
  if (short_of) return OnWrongContent(stream);
  stream.visitor->OnComplete();
  return Verdict();
}

int SessionState::OnMalformed(Stream& stream) {
  stats_.rx_messaging_error.Inc();
  if (options_.stream_error_on_invalid_message) {
    ResetProvoked(stream, ErrorCode::kProtocolError);
  } else {
    Break(ErrorCode::kProtocolError, "http2.violation.of.messaging.rule");
  }
  return Verdict();
}

// Of an origin that is a slip in one answer, and the requests beside it are other people's: as in
// Envoy it ends the stream alone. A client has only itself to blame.
int SessionState::OnWrongContent(Stream& stream) {
  if (client_ == nullptr) return OnMalformed(stream);
  stats_.rx_messaging_error.Inc();
  ResetProvoked(stream, ErrorCode::kProtocolError);
  return Verdict();
}

void SessionState::ResetProvoked(Stream& stream, ErrorCode code) {
  Silence(stream);
  DropQueue(stream);
  stream.close_code = code;
  if (server_ != nullptr) history_.GiveUp(stream.id);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                            static_cast<uint32_t>(code));
  SpendReset();
}

// nghttp2 answers `frame` with RST_STREAM or GOAWAY.
int SessionState::OnInvalidFrame(const nghttp2_frame& frame, int library_error) {
  if (library_error == NGHTTP2_ERR_REFUSED_STREAM) {
    stats_.stream_refused_errors.Inc();  // One more than it may: nothing was begun.
  } else if (frame.hd.stream_id != 0) {
    SpendReset();
  }
  if (server_ != nullptr && frame.hd.stream_id != 0) history_.GiveUp(frame.hd.stream_id);
  return Verdict();
}

int SessionState::OnStreamClose(StreamId id, ErrorCode code) {
  Stream* stream = Find(id);
  if (stream == nullptr) return 0;
  Silence(*stream);
  DropQueue(*stream);
  if (std::exchange(stream->end_submitted, false)) {
    --submitted_ends_;
    // nghttp2 closes a stream before it gives out the frame that ends it.
    stream->end_sent =
        code == ErrorCode::kNoError && !stream->reset_by_peer && !stream->reset_by_us;
  }
  if (stream->unconsumed > 0) {
    nghttp2_session_consume_connection(session_.get(), stream->unconsumed);
    stream->unconsumed = 0;
  }
  if (code == ErrorCode::kRefusedStream) stats_.stream_refused_errors.Inc();
  // Both ends may have been seen before our RST_STREAM left: it is broken all the same.
  if (stream->close_code == ErrorCode::kNoError) stream->close_code = code;
  stream->closed = true;
  const bool answered = stream->end_sent && !stream->reset_by_peer;
  if (answered && reset_credit_ < options_.budgets.reset_burst) ++reset_credit_;
  AddEvent(*stream);
  return 0;
}

}  // namespace proxenos::http2
