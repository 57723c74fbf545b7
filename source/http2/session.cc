// The public face of SessionState.
#include "source/http2/session.h"

#include <utility>

#include "source/http2/session_state.h"

namespace proxenos::http2 {

Session::Session(std::unique_ptr<SessionState> state) : state_(std::move(state)) {}
Session::~Session() = default;

bool Session::Receive(const buffer::Slice& bytes) { return state_->Receive(bytes); }

void Session::Produce(buffer::Buffer& out, uint64_t limit) { state_->Produce(out, limit); }

bool Session::wants_write() const { return state_->wants_write(); }

uint64_t Session::pending_bytes() const { return state_->pending_bytes(); }

bool Session::finished() const { return state_->finished(); }

uint64_t Session::Room(StreamId id) const {
  const Stream* stream = state_->Find(id);
  const uint64_t limit = state_->options().send_queue_bytes;
  if (stream == nullptr || stream->queue.size() >= limit) return 0;
  return limit - stream->queue.size();
}

bool Session::SendBody(StreamId stream, buffer::Buffer& body, bool end,
                       const http::HeaderMap* trailers) {
  return state_->SendBody(stream, body, end, trailers);
}

void Session::Consume(StreamId stream, uint64_t bytes) { state_->Consume(stream, bytes); }

void Session::Reset(StreamId stream, ErrorCode code) { state_->Reset(stream, code); }

Session::WireBytes Session::wire_bytes(StreamId stream) const {
  const Stream* found = state_->Find(stream);
  return found == nullptr ? WireBytes{} : WireBytes{found->wire_received, found->wire_sent};
}

uint64_t Session::FramedBytes(uint64_t body) {
  constexpr uint64_t kFrame = 16384;
  constexpr uint64_t kFrameHeader = 9;
  return body + (body + kFrame - 1) / kFrame * kFrameHeader;
}

void Session::ResetWhenSent(StreamId stream, ErrorCode code) {
  state_->ResetWhenSent(stream, code);
}

bool Session::SendQueueEmpty(StreamId id) const {
  const Stream* stream = state_->Find(id);
  return stream == nullptr || stream->queue.empty();
}

void Session::SendShutdownNotice() { state_->SendShutdownNotice(); }

void Session::SendGoAway(ErrorCode code) { state_->SendGoAway(code); }

void Session::SendPing(uint64_t opaque) { state_->SendPing(opaque); }

void Session::ReleaseIdleMemory() { state_->ReleaseIdleMemory(); }

uint32_t Session::active_streams() const { return state_->active_streams(); }

ErrorCode Session::error() const { return state_->error(); }

absl::string_view Session::detail() const { return state_->detail(); }

ServerSession::ServerSession(const Options& options, stats::Http2Stats& stats,
                             ServerVisitor& visitor)
    : Session(std::make_unique<SessionState>(options, stats, &visitor, nullptr)) {}

void ServerSession::SendInformational(StreamId stream, const http::ResponseHead& head) {
  state_->SendInformational(stream, head);
}

uint64_t ServerSession::SendHead(StreamId stream, const http::ResponseHead& head, bool end) {
  return state_->SendResponse(stream, head, end);
}

ClientSession::ClientSession(const Options& options, stats::Http2Stats& stats,
                             ClientVisitor& visitor)
    : Session(std::make_unique<SessionState>(options, stats, nullptr, &visitor)) {}

StreamId ClientSession::SendHead(const http::RequestHead& head, bool end,
                                 http::ResponseVisitor& visitor) {
  return state_->SendRequest(head, end, visitor);
}

void ClientSession::Detach(StreamId stream) { state_->Detach(stream); }

bool ClientSession::CanBegin() const { return state_->CanBegin(); }

uint32_t ClientSession::max_concurrent_streams() const { return state_->max_concurrent_streams(); }

bool ClientSession::peer_allows_connect() const {
  return state_->peer_setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

}  // namespace proxenos::http2
