// The upstream side of one request after another.
#include "source/upstream/http1_client_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "source/base/limits.h"
#include "source/http1/encoder.h"
#include "source/upstream/exchange_notes.h"
#include "source/upstream/lending.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

using base::limits::kBulkBytes;
using http::Framing;
using http1::DecodeResult;
using net::FlushStatus;
using net::ReadStatus;

Http1ClientConnection::Http1ClientConnection(HostPool& pool, Established established)
    : ClientConnection(pool, std::move(established), http::Version::kHttp11),
      ClientStream(static_cast<ClientConnection&>(*this)),
      decoder_(pool.cluster().decoder_options(), *this) {
  free_ = 1;
}

Http1ClientConnection::Http1ClientConnection(HostPool& pool, std::unique_ptr<Loan> loan)
    : Http1ClientConnection(pool, std::move(loan->established)) {
  requests_ = loan->requests;
  loan->breakers = nullptr;  // It counts here now.
}

std::unique_ptr<Loan> Http1ClientConnection::Part() {
  if (busy() || closed() || close_when_done_ || connection_.transport() != nullptr ||
      connection_.holds() || !connection_.out().empty()) {
    return nullptr;
  }
  return CheckIdle() ? PartAtOnce() : nullptr;
}

bool Http1ClientConnection::Begin(Exchange& exchange) {
  DCHECK(!busy() && !closed());
  if (requests_ > 0 && connection_.may_read() && !CheckIdle()) return false;
  active_ = 1;
  free_ = 0;
  idle_timer_.Disarm();
  request_complete_ = want_room_ = false;
  written_before_ = connection_.bytes_written();
  ++requests_;
  exchange.reused_connection = requests_ > 1;
  exchange_.Connect(exchange.stream);
  return true;
}

bool Http1ClientConnection::CheckIdle() {
  buffer::Slice bytes;
  switch (connection_.Read(&bytes)) {
    case ReadStatus::kNothing:
      return true;  // Only the transport had something to do.
    case ReadStatus::kBytes:
      FailUnasked();
      return false;
    case ReadStatus::kEnd:
    case ReadStatus::kError:
      Fail(ResetReason::kRemoteClosed, "");
      return false;
  }
  return false;
}

void Http1ClientConnection::SendHead(const http::RequestHead& head, bool) {
  decoder_.Expect(head.method, !head.upgrade.empty());
  const uint64_t before = connection_.out().size();
  const ClusterConfig& config = pool().cluster().config();
  request_framing_ =
      http1::EncodeRequestHead(head, connection_.out(), {config.http1_names, config.absolute_form});
  const uint64_t bytes = connection_.out().size() - before;
  exchange_->wire_bytes_sent += bytes;
  if (exchange_->notes != nullptr) exchange_->notes->CountSent(bytes, bytes);
  keep_alive_ = true;
  Schedule();
}

uint64_t Http1ClientConnection::Room() const {
  const uint64_t waiting = connection_.out().size();
  const uint64_t limit = pool().cluster().write_limit();
  return waiting >= limit ? 0 : limit - waiting;
}

bool Http1ClientConnection::SendBody(buffer::Buffer& body, bool end,
                                     const http::HeaderMap* trailers) {
  if (!busy()) {
    body.Clear();
    return true;
  }
  const uint64_t take = std::min<uint64_t>(body.size(), Room());
  const uint64_t before = connection_.out().size();
  if (take > 0) {
    if (request_framing_ == Framing::kChunked) {
      buffer::Buffer chunk;
      chunk.AppendFrom(body, take);
      http1::AppendChunk(chunk, connection_.out());
    } else {
      connection_.out().AppendFrom(body, take);
    }
  }
  const bool all = body.empty();
  want_room_ = !all;
  if (all && end && !request_complete_) {
    if (request_framing_ == Framing::kChunked) {
      // Http1ProtocolOptions.enable_trailers stands for both directions.
      const bool pass = pool().cluster().decoder_options().enable_trailers;
      http1::AppendLastChunk(pass ? trailers : nullptr, connection_.out());
    }
    request_complete_ = true;
  }
  if (Exchange* exchange = exchange_.get()) {
    exchange->wire_bytes_sent += connection_.out().size() - before;
  }
  Schedule();
  return all;
}

void Http1ClientConnection::OnIo(uint32_t events) {
  if (closed()) return;
  connection_.Note(events);
  if ((events & EPOLLOUT) != 0 && !connection_.out().empty()) Schedule();
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  if (busy()) {
    ReadResponse();
  } else {
    CheckIdle();
  }
}

void Http1ClientConnection::ReadResponse() {
  buffer::Slice bytes;
  uint32_t read = 0;
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    const Exchange* exchange = exchange_.get();
    if (exchange != nullptr && exchange->body.size() >= exchange->body_limit) return;
    if (!connection_.may_read()) return;
    switch (connection_.Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kBytes:
        read += bytes.size();
        if (read >= kBulkBytes) pool().cluster().loop().Hurry();
        if (!Decode(bytes)) return;
        break;
      case ReadStatus::kEnd:
        OnEnd();
        return;
      case ReadStatus::kError:
        Fail(ResetReason::kRemoteClosed, "");
        return;
    }
  }
  // More than one round's share: the rest is read in the next, behind other connections.
  if (connection_.may_read() && busy()) Schedule();
}

void Http1ClientConnection::OnEnd() {
  const net::Transport* transport = connection_.transport();
  // RFC 9112, 9.8: without close_notify nobody knows whether that was all. The decoder, which would
  // call it complete, is not asked then.
  const bool cut_off = transport != nullptr && transport->truncated() &&
                       exchange_->response.framing.kind == Framing::kUntilClose;
  if (!cut_off && decoder_.OnEof() == DecodeResult::kMessageComplete) {
    keep_alive_ = false;
    Finish();
  } else {
    Fail(ResetReason::kRemoteClosed, "");
  }
}

bool Http1ClientConnection::Decode(buffer::Slice& bytes) {
  auto& stats = pool().cluster().stats();
  stats.upstream_cx_rx_bytes_total.Add(bytes.size());
  Exchange* exchange = exchange_.get();
  if (exchange != nullptr) {
    if (!exchange->any_bytes && !RequestLeft()) {
      FailUnasked();
      return false;
    }
    exchange->any_bytes = true;
    exchange->wire_bytes_received += bytes.size();
  }
  switch (decoder_.Decode(bytes)) {
    case DecodeResult::kNeedMore:
      if (!bytes.empty()) connection_.Hold(std::move(bytes));
      bytes = buffer::Slice();
      if (exchange != nullptr) exchange->OnProgress();
      return true;
    case DecodeResult::kMessageComplete:
      // Bytes behind a response that nobody asked for: this connection cannot be trusted again.
      if (!bytes.empty()) keep_alive_ = false;
      Finish();
      return false;
    case DecodeResult::kError:
      stats.upstream_cx_protocol_error.Inc();
      Fail(ResetReason::kProtocolError, http::Detail(decoder_.error()));
      return false;
  }
  return false;
}

http::ResponseHead& Http1ClientConnection::OnMessageBegin() {
  http::ResponseHead& head = ClientStream::OnMessageBegin();
  const http::NameStyle names = pool().cluster().config().http1_names;
  if (http::KeepsSpellings(names)) {
    head.spellings = http::NameSpellings::Make(names, head.headers.arena());
  }
  return head;
}

void Http1ClientConnection::OnHead(buffer::Slice head) {
  keep_alive_ = keep_alive_ && exchange_->response.keep_alive;
  if (ExchangeNotes* notes = exchange_->notes) notes->CountReceived(head.size(), head.size());
  ClientStream::OnHead(std::move(head));
}

void Http1ClientConnection::Finish() {
  Exchange& exchange = *exchange_.get();
  exchange.end = true;
  exchange.state = Exchange::State::kDone;
  exchange_.Clear();
  active_ = 0;
  exchange.OnProgress();
  // A response before the end of its request leaves the connection in mid-message.
  if (!request_complete_) keep_alive_ = false;
  if (keep_alive_ && WornOut()) keep_alive_ = false;
  if (!keep_alive_) pool().cluster().stats().upstream_cx_close_notify.Inc();
  // Where more may wait to be read, it would pass for the answer to the next request.
  const bool reusable =
      keep_alive_ && !close_when_done_ && !connection_.peer_closed() && !connection_.may_read();
  pool().CountEnded(1);
  if (!reusable) {
    Close();
    return;
  }
  free_ = 1;
  pool().Offer(*this);
}

void Http1ClientConnection::Fail(ResetReason reason, absl::string_view detail) {
  if (Exchange* exchange = exchange_.get()) exchange->unprocessed = !RequestLeft();
  EndByReset(reason, detail);
  // Of what a host says wrongly it is we who end the connection.
  reason == ResetReason::kProtocolError ? Close() : CloseByRemote();
}

void Http1ClientConnection::FailUnasked() {
  pool().cluster().stats().upstream_cx_protocol_error.Inc();
  Fail(ResetReason::kRemoteClosed, "");
}

void Http1ClientConnection::Abandon() {
  exchange_.Clear();
  Close();
}

void Http1ClientConnection::BodyTaken(uint64_t) {
  if (connection_.may_read()) Schedule();
}

void Http1ClientConnection::CloseWhenDone() {
  close_when_done_ = true;
  if (!busy()) Close();
}

void Http1ClientConnection::OnTurnEnd() {
  if (closed()) return;
  const FlushStatus status = Flush();
  if (status == FlushStatus::kError) {
    // What the host sent before it broke the connection may explain why: read it first.
    if (busy()) ReadResponse();
    if (!closed()) Fail(ResetReason::kRemoteClosed, "");
    return;
  }
  if (status == FlushStatus::kDone && request_complete_ && request_framing_ == Framing::kTunnel &&
      busy()) {
    connection_.ShutdownWrite();  // The client ended its direction of the tunnel.
  }
  if (want_room_ && Room() > 0) {
    if (Exchange* exchange = exchange_.get()) exchange->OnProgress();
  }
  if (!connection_.may_read()) return;
  if (!busy()) {
    CheckIdle();
  } else if (pool().cluster().loop().hurrying()) {
    Schedule();  // What another connection has read goes first.
  } else {
    ReadResponse();
  }
}

}  // namespace proxenos::upstream
