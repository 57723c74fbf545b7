// The origin's sockets and streams.
#include "test/support/http2_origin.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace proxenos::testing {
namespace {

constexpr uint64_t kOutBytes = 256 * 1024;

void AddFields(const Fields& from, http::HeaderMap& to) {
  for (const auto& [name, value] : from) {
    to.Add(absl::string_view(name), absl::string_view(value));
  }
}

}  // namespace

std::string Http2OriginStream::Header(absl::string_view name) const {
  const http::Header* header = head_.headers.Find(name);
  return header == nullptr ? "" : std::string(header->value());
}

void Http2OriginStream::OnHead(buffer::Slice head_bytes) {
  head_bytes_ = std::move(head_bytes);
  has_head_ = true;
}

void Http2OriginStream::OnBody(buffer::Slice data) {
  body_.append(data.data(), data.size());
  if (!hold_credit) connection_.session().Consume(id_, data.size());
}

void Http2OriginStream::OnTrailers(buffer::Slice) {
  for (const http::Header& field : trailer_map_) {
    trailers_.emplace_back(std::string(field.name()), std::string(field.value()));
  }
}

void Http2OriginStream::OnComplete() { complete_ = true; }

void Http2OriginStream::GiveCredit(uint64_t bytes) {
  connection_.session().Consume(id_, bytes);
  connection_.Flush();
}

void Http2OriginStream::Reply(uint16_t status, const Fields& headers, absl::string_view body,
                              const Fields& trailers) {
  SendHead(status, headers, body.empty() && trailers.empty());
  if (!body.empty()) SendBody(body, trailers.empty());
  if (!trailers.empty()) SendTrailers(trailers);
}

void Http2OriginStream::SendInformational(uint16_t status, const Fields& headers) {
  http::ResponseHead head(arena_);
  head.status = status;
  AddFields(headers, head.headers);
  connection_.session().SendInformational(id_, head);
  connection_.Flush();
}

void Http2OriginStream::SendHead(uint16_t status, const Fields& headers, bool end) {
  http::ResponseHead head(arena_);
  head.status = status;
  head.framing.kind = end ? http::Framing::kNone : http::Framing::kChunked;
  AddFields(headers, head.headers);
  connection_.session().SendHead(id_, head, end);
  connection_.Flush();
}

void Http2OriginStream::SendBody(absl::string_view body, bool end) {
  out_.Append(body);
  out_end_ = end;
  Pump();
}

void Http2OriginStream::Pump() {
  if (closed_ || (out_.empty() && !out_end_)) return;
  if (!out_.empty() && connection_.session().Room(id_) == 0) return;  // OnRoom will tell.
  if (connection_.session().SendBody(id_, out_, out_end_, nullptr)) out_end_ = false;
  connection_.Flush();
}

void Http2OriginStream::SendTrailers(const Fields& trailers) {
  http::HeaderMap map(arena_);
  AddFields(trailers, map);
  buffer::Buffer nothing;
  connection_.session().SendBody(id_, nothing, true, &map);
  connection_.Flush();
}

void Http2OriginStream::Reset(http2::ErrorCode code) {
  connection_.session().Reset(id_, code);
  connection_.Flush();
}

Http2OriginConnection::Http2OriginConnection(Http2Origin& origin, net::UniqueFd fd)
    : origin_(origin), connection_(origin.loop_, fd.Release(), this) {
  session_.emplace(origin.options, *origin.stats_, *this);
  Flush();
}

void Http2OriginConnection::Flush() { origin_.loop_.AtTurnEnd(this); }

void Http2OriginConnection::Close() { connection_.Close(); }

bool Http2OriginConnection::ReadPreface() {
  while (preface_.size() < origin_.preface_bytes) {
    char bytes[256];
    uint32_t got;
    const auto wanted =
        static_cast<uint32_t>(std::min(sizeof(bytes), origin_.preface_bytes - preface_.size()));
    if (connection_.ReadRaw(bytes, wanted, &got) != net::ReadStatus::kBytes) return false;
    preface_.append(bytes, got);
  }
  return true;
}

bool Http2OriginConnection::Handshake() {
  if (!ReadPreface()) return false;
  if (handshaken_ || !origin_.context_) return true;
  if (tls_ == nullptr) {
    auto transport = tls::MakeServerTransport(origin_.context_, *origin_.tls_stats_);
    tls_ = transport.get();
    connection_.SetTransport(std::move(transport));
  }
  switch (tls_->Advance(connection_)) {
    case net::Transport::Handshake::kDone:
      handshaken_ = true;
      Flush();
      return true;
    case net::Transport::Handshake::kFailed:
      Close();
      return false;
    case net::Transport::Handshake::kWantsIo:
    case net::Transport::Handshake::kWaits:
      return false;
  }
  return false;
}

void Http2OriginConnection::OnIo(uint32_t events) {
  if (ended() || deaf) return;
  connection_.Note(events);
  if (!Handshake()) return;
  buffer::Slice bytes;
  while (connection_.may_read()) {
    const net::ReadStatus status = connection_.Read(&bytes);
    if (status == net::ReadStatus::kNothing) break;
    if (status != net::ReadStatus::kBytes) {
      Close();
      return;
    }
    session_->Receive(bytes);
  }
  Flush();
}

void Http2OriginConnection::OnTurnEnd() {
  if (ended() || deaf || (origin_.context_ && !handshaken_)) return;
  while (answered_ < streams_.size()) {
    Http2OriginStream& next = *streams_[answered_];
    if (!next.complete_ && !next.closed_ && !(origin_.on_head && next.has_head_)) break;
    ++answered_;
    if (!next.closed_ && origin_.on_request) origin_.on_request(next);
  }
  for (const auto& stream : streams_) stream->Pump();
  session_->Produce(connection_.out(), kOutBytes);
  connection_.Flush();
  if (session_->finished() && connection_.out().empty()) Close();
}

Http2OriginStream* Http2OriginConnection::Find(http2::StreamId id) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [id](const auto& each) { return each->id() == id; });
  return it == streams_.end() ? nullptr : it->get();
}

http::RequestVisitor* Http2OriginConnection::OnStreamBegin(http2::StreamId stream) {
  if (origin_.refuse_all) return nullptr;
  streams_.push_back(std::make_unique<Http2OriginStream>(*this, stream));
  return streams_.back().get();
}

void Http2OriginConnection::OnReset(http2::StreamId stream, http2::ErrorCode code, bool) {
  if (Http2OriginStream* found = Find(stream)) found->reset_ = code;
}

void Http2OriginConnection::OnClosed(http2::StreamId stream) {
  if (Http2OriginStream* found = Find(stream)) found->closed_ = true;
}

void Http2OriginConnection::OnRoom(http2::StreamId) { Flush(); }

void Http2OriginConnection::OnHeadRefused(http2::StreamId stream, http::CodecError) {
  session_->Reset(stream, http2::ErrorCode::kProtocolError);
}

Http2Origin::Http2Origin(event::EventLoop& loop, std::shared_ptr<const tls::ServerContext> context)
    : loop_(loop),
      stats_(registry_.Open<stats::Http2Stats>(stats::ClusterHttp2Scope("origin"))),
      tls_stats_(registry_.Open<stats::TlsStats>(stats::ClusterTlsScope("origin"))) {
  if (context != nullptr) context_ = base::Hold(std::move(context));
  const net::Address any_port = *net::Address::FromIp("127.0.0.1", 0);
  auto fd = net::BindListenSocket(any_port, {});
  CHECK(fd.ok() && net::Listen(fd->get(), {}).ok());
  listening_ = *std::move(fd);
  port_ = net::Address::LocalOf(listening_.get()).port();
  loop_.WatchLevel(listening_.get(), EPOLLIN, this);
}

Http2Origin::~Http2Origin() = default;

void Http2Origin::StopListening() { listening_ = net::UniqueFd(); }

void Http2Origin::OnIo(uint32_t) {
  net::UniqueFd fd(accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK));
  if (!fd.valid()) return;
  connections_.push_back(std::make_unique<Http2OriginConnection>(*this, std::move(fd)));
}

size_t Http2Origin::stream_count() const {
  size_t count = 0;
  for (const auto& connection : connections_) count += connection->streams().size();
  return count;
}

Http2OriginStream& Http2Origin::stream(size_t i) {
  for (const auto& connection : connections_) {
    if (i < connection->streams().size()) return *connection->streams()[i];
    i -= connection->streams().size();
  }
  CHECK(false);
  return *connections_[0]->streams()[0];
}

}  // namespace proxenos::testing
