// One exchange over HTTP/2.
#include <utility>

#include "source/upstream/exchange_notes.h"
#include "source/upstream/http2_client_connection.h"

namespace proxenos::upstream {

Http2ClientStream::Http2ClientStream(Http2ClientConnection& connection)
    : ClientStream(connection), connection_(connection) {}

void Http2ClientStream::SendHead(const http::RequestHead& head, bool end) {
  if (connection_.closed()) return;
  // A body that turned out empty ends in a frame of its own, as it came: servers of gRPC exist that
  // do not see the end of a call in its HEADERS.
  const bool apart = end && head.framing.kind == http::Framing::kChunked;
  if (!connection_.Open(*this, head, end && !apart)) {
    Refuse();
    return;
  }
  // What the host does not allow has ended already.
  if (Exchange* exchange = exchange_.get(); exchange != nullptr && exchange->notes != nullptr) {
    exchange->notes->CountSent(connection_.session_->wire_bytes(id_).sent, FieldBytes(head));
  }
  request_complete_ = end && !apart;
  if (apart) {
    buffer::Buffer none;
    SendBody(none, /*end=*/true, nullptr);
  }
}

bool Http2ClientStream::SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) {
  if (id_ == 0 || connection_.closed() || request_complete_) {
    body.Clear();
    return true;
  }
  const bool all = connection_.session_->SendBody(id_, body, end, trailers);
  if (all && end) request_complete_ = true;
  connection_.Schedule();
  return all;
}

uint64_t Http2ClientStream::Room() const {
  return id_ == 0 || connection_.closed() ? 0 : connection_.session_->Room(id_);
}

void Http2ClientStream::BodyTaken(uint64_t bytes) {
  if (id_ == 0 || connection_.closed()) return;
  connection_.session_->Consume(id_, bytes);
  connection_.Schedule();
}

void Http2ClientStream::Abandon() {
  exchange_.Clear();
  if (connection_.closed()) return;
  connection_.Schedule();
  if (id_ == 0) {
    connection_.Remove(*this);
    return;
  }
  connection_.session_->Reset(id_, http2::ErrorCode::kCancel);
  connection_.session_->Detach(id_);
}

void Http2ClientStream::Refuse() {
  if (Exchange* exchange = exchange_.get()) exchange->unprocessed = true;
  EndByReset(ResetReason::kRefusedStream, "");
  connection_.Schedule();
  connection_.Remove(*this);
}

void Http2ClientStream::OnHead(buffer::Slice head) {
  exchange_->any_bytes = true;
  exchange_->wire_bytes_received += exchange_->response.headers.ByteSize();
  if (ExchangeNotes* notes = exchange_->notes) {
    notes->CountReceived(connection_.session_->wire_bytes(id_).received,
                         FieldBytes(exchange_->response));
  }
  ClientStream::OnHead(std::move(head));
  exchange_->OnProgress();
}

void Http2ClientStream::OnBody(buffer::Slice data) {
  exchange_->wire_bytes_received += data.size();
  ClientStream::OnBody(std::move(data));
  exchange_->OnProgress();
}

void Http2ClientStream::OnComplete() {
  Exchange& exchange = *exchange_.get();
  exchange.end = true;
  exchange.state = Exchange::State::kDone;
  const http2::Session::WireBytes wire = connection_.session_->wire_bytes(id_);
  exchange.wire_bytes_received = wire.received;
  exchange.wire_bytes_sent = wire.sent;
  exchange_.Clear();
  exchange.OnProgress();
  // Whoever has the whole response sends no more of the request.
  if (!request_complete_) connection_.session_->Reset(id_, http2::ErrorCode::kCancel);
}

}  // namespace proxenos::upstream
