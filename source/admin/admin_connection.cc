// Requests in, responses out, and the ways in which a connection ends.
#include "source/admin/admin_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "source/admin/admin_http2.h"
#include "source/admin/admin_request.h"
#include "source/base/limits.h"
#include "source/http/preface.h"
#include "source/http1/encoder.h"

namespace proxenos::admin {
namespace {

using http::HeaderId;
using http1::DecodeResult;
using ReadStatus = net::Connection::ReadStatus;
using FlushStatus = net::Connection::FlushStatus;

// What one connection may write in a turn, so that a huge page does not hold up the main thread.
constexpr int kMaxWritesPerTurn = 16;
constexpr base::Nanos kLinger = 1 * base::kSecond;

}  // namespace

AdminConnection::AdminConnection(AdminServer& server, int fd, const net::Address& remote)
    : server_(server),
      connection_(server.loop_, fd, this),
      timer_(server.loop_.timers(), [this] { OnTimer(); }),
      decoder_(server.decoder_options_, *this),
      created_(server.loop_.now()) {
  info_.local = net::Address::LocalOf(fd);
  info_.direct_remote = remote;
  timer_.ArmIn(server_.limits_.idle_timeout);
}

AdminConnection::~AdminConnection() = default;

void AdminConnection::OnIo(uint32_t events) {
  if (state_ == State::kClosed) return;
  connection_.Note(events);
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && !connection_.out().empty()) {
    Close(/*by_peer=*/true);  // Nobody will take the rest.
    return;
  }
  if ((events & EPOLLOUT) != 0 && !connection_.out().empty()) server_.loop_.AtTurnEnd(this);
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
  if (state_ != State::kOpen) {
    Discard();
  } else {
    ReadRequests();
  }
}

bool AdminConnection::idle() const {
  return http2_ == nullptr ? exchange_ == nullptr : http2_->idle();
}

bool AdminConnection::WantsBytes() const {
  return state_ == State::kOpen && (exchange_ == nullptr || !exchange_->responding);
}

void AdminConnection::ReadRequests() {
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent; ++reads) {
    if (!WantsBytes() || !connection_.may_read()) return;
    buffer::Slice bytes;
    switch (connection_.Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kEnd:
      case ReadStatus::kError:
        Close(/*by_peer=*/true);
        return;
      case ReadStatus::kBytes:
        server_.http_stats_->downstream_cx_rx_bytes_total.Add(bytes.size());
        if (!Feed(std::move(bytes))) return;
        break;
    }
  }
  if (WantsBytes() && connection_.may_read()) server_.loop_.AtTurnEnd(this);
}

// The first bytes tell which HTTP it is.
bool AdminConnection::Choose(const buffer::Slice& bytes) {
  const http::Beginning beginning = http::BeginningOf(bytes.view());
  if (beginning == http::Beginning::kUndecided) return false;
  chosen_ = true;
  auto& stats = *server_.http_stats_;
  if (beginning == http::Beginning::kHttp1) {
    stats.downstream_cx_http1_total.Inc();
    stats.downstream_cx_http1_active.Inc();
    return true;
  }
  stats.downstream_cx_http2_total.Inc();
  stats.downstream_cx_http2_active.Inc();
  http2_ = std::make_unique<AdminHttp2>(server_, info_);
  return true;
}

bool AdminConnection::FeedHttp2(const buffer::Slice& bytes) {
  if (!http2_->Receive(bytes)) {
    server_.http_stats_->downstream_cx_protocol_error.Inc();
    state_ = State::kClosing;
  }
  Touch();
  server_.loop_.AtTurnEnd(this);
  return state_ == State::kOpen;
}

void AdminConnection::Touch() {
  const bool streams = http2_ != nullptr && http2_->stream_count() > 0;
  timer_.ArmIn(streams ? base::limits::kStreamIdleTimeout : server_.limits_.idle_timeout);
  server_.MarkActive(*this);
}

bool AdminConnection::Feed(buffer::Slice bytes) {
  if (!chosen_ && !Choose(bytes)) {
    connection_.Hold(std::move(bytes));
    return true;
  }
  if (http2_ != nullptr) return FeedHttp2(bytes);
  const DecodeResult result = decoder_.Decode(bytes);
  if (result == DecodeResult::kError) {
    if (exchange_ == nullptr) OnMessageBegin();
    server_.http_stats_->downstream_cx_protocol_error.Inc();
    const http::CodecError error = decoder_.error();
    const int status = http::StatusOf(error);
    Respond(Response::Error(status, std::string(http::ReasonPhrase(http::StatusOf(error)))),
            /*close=*/true);
    return false;
  }
  connection_.Hold(std::move(bytes));  // Of this request when more is needed, else of the next.
  if (exchange_ == nullptr || !exchange_->has_head) return true;
  if (RefuseEarly()) return false;
  if (result == DecodeResult::kNeedMore) {
    if (exchange_->request.expects_continue && !exchange_->continued) {
      exchange_->continued = true;
      connection_.out().Append(http1::kContinueResponse);
      server_.loop_.AtTurnEnd(this);
    }
    return true;
  }
  exchange_->info.request_complete = server_.loop_.now();
  Respond(server_.endpoints_.Serve(RequestOf(exchange_->request, exchange_->body)),
          /*close=*/!exchange_->request.keep_alive);
  return false;
}

bool AdminConnection::RefuseEarly() {
  const http::Framing& framing = exchange_->request.framing;
  if (framing.kind == http::Framing::kTunnel) {  // CONNECT
    Response refusal = Response::Error(405, "Method CONNECT not allowed, GET required.");
    refusal.allow = "GET, HEAD";
    Respond(std::move(refusal), /*close=*/true);
    return true;
  }
  const uint64_t announced = framing.kind == http::Framing::kLength ? framing.length : 0;
  if (std::max(exchange_->info.bytes_received, announced) <= server_.limits_.max_body_bytes) {
    return false;
  }
  server_.http_stats_->downstream_rq_too_large.Inc();
  Respond(Response::Error(413, "Payload Too Large"), /*close=*/true);
  return true;
}

http::RequestHead& AdminConnection::OnMessageBegin() {
  exchange_ = std::make_unique<Exchange>();
  filter::StreamInfo& info = exchange_->info;
  info.connection = &info_;
  info.remote = info_.direct_remote;
  info.start = server_.loop_.now();
  info.start_wall = server_.loop_.wall_now();
  // The whole request has this long, whatever it dribbles.
  timer_.ArmIn(server_.limits_.idle_timeout);
  server_.http_stats_->downstream_rq_total.Inc();
  server_.http_stats_->downstream_rq_http1_total.Inc();
  server_.http_stats_->downstream_rq_active.Inc();
  return exchange_->request;
}

void AdminConnection::OnHead(buffer::Slice head_bytes) {
  exchange_->head_bytes = std::move(head_bytes);
  exchange_->has_head = true;
  exchange_->info.protocol = exchange_->request.version;
  if (exchange_->request.scheme.empty()) exchange_->request.scheme = "http";
}

void AdminConnection::OnBody(buffer::Slice data) {
  exchange_->info.bytes_received += data.size();
  if (exchange_->info.bytes_received > server_.limits_.max_body_bytes) return;  // Refused soon.
  exchange_->body.append(data.data(), data.size());
}

http::HeaderMap& AdminConnection::OnTrailersBegin() { return exchange_->trailers; }
void AdminConnection::OnTrailers(buffer::Slice) {}
void AdminConnection::OnComplete() {}

void AdminConnection::Respond(Response response, bool close) {
  Exchange& exchange = *exchange_;
  http::ResponseHead& head = exchange.response;
  head.status = static_cast<uint16_t>(response.status);
  head.framing = http::Framing{http::Framing::kLength, response.body.size()};
  AddResponseHeaders(response, server_.date_.Get(server_.loop_.wall_now()), head.headers);
  http1::ResponseOptions options;
  options.close = close;
  options.to_http10 = exchange.request.version == http::Version::kHttp10;
  options.to_head = exchange.has_head && exchange.request.method == http::Method::kHead;
  http1::EncodeResponseHead(head, options, connection_.out());
  if (!options.to_head) exchange.out = std::move(response.body);
  exchange.responding = true;
  exchange.close = close;
  exchange.info.response_code = head.status;
  exchange.info.details = "admin_filter_response";
  timer_.ArmIn(server_.limits_.idle_timeout);
  server_.loop_.AtTurnEnd(this);
}

bool AdminConnection::Write() {
  for (int writes = 0; writes < kMaxWritesPerTurn; ++writes) {
    if (exchange_ != nullptr && exchange_->responding) {
      const absl::string_view rest = absl::string_view(exchange_->out).substr(exchange_->out_done);
      const absl::string_view next = rest.substr(0, base::limits::kConnectionOutBytes);
      if (connection_.out().size() < base::limits::kConnectionOutBytes) {
        connection_.out().Append(next);
        exchange_->out_done += next.size();
      }
    }
    if (http2_ != nullptr) {
      http2_->Produce(connection_.out(), base::limits::kConnectionOutBytes);
    }
    const uint64_t before = connection_.bytes_written();
    const FlushStatus status = connection_.Flush();
    const uint64_t written = connection_.bytes_written() - before;
    server_.http_stats_->downstream_cx_tx_bytes_total.Add(written);
    if (written > 0 && state_ == State::kOpen && exchange_ != nullptr && exchange_->responding) {
      timer_.ArmIn(server_.limits_.idle_timeout);
    }
    if (written > 0 && state_ == State::kOpen && http2_ != nullptr) Touch();
    if (status == FlushStatus::kError) {
      Close(/*by_peer=*/true);
      return false;
    }
    if (status == FlushStatus::kBlocked) return false;
    if (http2_ != nullptr) {
      if (!http2_->wants_write()) return true;
    } else if (exchange_ == nullptr || exchange_->out_done == exchange_->out.size()) {
      return true;
    }
  }
  server_.loop_.AtTurnEnd(this);  // Others first.
  return false;
}

void AdminConnection::OnTurnEnd() {
  if (state_ == State::kClosed || !Write()) return;
  if (exchange_ != nullptr && exchange_->responding) EndExchange();
  if (state_ == State::kOpen && http2_ != nullptr && http2_->finished()) state_ = State::kClosing;
  if (state_ == State::kClosing) {
    StartClosing();
    return;
  }
  if (state_ != State::kOpen) return;
  if (connection_.holds() && exchange_ == nullptr) {
    if (!Feed(connection_.TakeHeld())) return;
  }
  ReadRequests();
}

void AdminConnection::EndExchange() {
  const std::unique_ptr<Exchange> ended = std::move(exchange_);
  filter::StreamInfo& info = ended->info;
  info.complete = server_.loop_.now();
  info.bytes_sent = ended->out_done;
  server_.CountRequest(info, ended->request, ended->response);
  if (ended->close) state_ = State::kClosing;
  timer_.ArmIn(server_.limits_.idle_timeout);
  server_.MarkActive(*this);
}

void AdminConnection::StartClosing() {
  // What the peer still sends must be read, or the kernel's reset may destroy the response.
  state_ = State::kLingering;
  connection_.ShutdownWrite();
  timer_.ArmIn(kLinger);
  Discard();
  const bool ended = connection_.peer_closed() && !connection_.may_read();
  if (state_ == State::kLingering && ended) Close(/*by_peer=*/true);
}

void AdminConnection::Discard() {
  connection_.Hold(buffer::Slice());
  for (int reads = 0; reads < base::limits::kMaxReadsPerEvent && connection_.may_read(); ++reads) {
    buffer::Slice bytes;
    switch (connection_.Read(&bytes)) {
      case ReadStatus::kNothing:
        return;
      case ReadStatus::kBytes:
        continue;
      case ReadStatus::kEnd:
      case ReadStatus::kError:
        if (state_ == State::kLingering) Close(/*by_peer=*/true);
        return;
    }
  }
  if (connection_.may_read()) Close(/*by_peer=*/false);  // It sends without end.
}

void AdminConnection::OnTimer() {
  if (state_ == State::kOpen && exchange_ != nullptr && !exchange_->responding) {
    server_.http_stats_->downstream_rq_header_timeout.Inc();
    Respond(Response::Error(408, "Request Timeout"), /*close=*/true);
    return;
  }
  if (state_ == State::kOpen) server_.http_stats_->downstream_cx_idle_timeout.Inc();
  Close(/*by_peer=*/false);
}

void AdminConnection::Close(bool by_peer) {
  if (state_ == State::kClosed) return;
  if (exchange_ != nullptr) EndExchange();
  if (http2_ != nullptr) http2_->CutStreams();
  state_ = State::kClosed;
  auto& stats = *server_.http_stats_;
  if (by_peer) {
    stats.downstream_cx_destroy_remote.Inc();
  } else {
    stats.downstream_cx_destroy_local.Inc();
  }
  const auto length = static_cast<uint64_t>((server_.loop_.now() - created_) / base::kMillisecond);
  stats.downstream_cx_length_ms.Record(length);
  server_.stats_->downstream_cx_length_ms.Record(length);
  timer_.Disarm();
  connection_.Close();
  server_.Remove(*this);
}

}  // namespace proxenos::admin
