// Http2Origin: an HTTP/2 origin on an event loop, plain (prior knowledge) or over TLS. Each request
// is kept; a script answers it, or the test does so later, stream by stream. It can refuse, reset,
// say GOAWAY and break off.
//
// On a ProxyLoop's own loop every turn happens when the test says so; else give it the loop of a
// LoopThread and touch it within Do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/buffer/arena.h"
#include "source/event/event_loop.h"
#include "source/http2/session.h"
#include "source/net/connection.h"
#include "source/net/socket.h"
#include "source/stats/registry.h"
#include "source/tls/tls_transport.h"
#include "test/support/http_text.h"

namespace proxenos::testing {

class Http2OriginConnection;

// One request and its answer. Owner: its connection, which keeps it to its own end.
class Http2OriginStream final : public http::RequestVisitor {
 public:
  Http2OriginStream(Http2OriginConnection& connection, http2::StreamId id)
      : connection_(connection), id_(id) {}

  http2::StreamId id() const { return id_; }
  Http2OriginConnection& connection() { return connection_; }
  bool has_head() const { return has_head_; }
  bool complete() const { return complete_; }
  bool closed() const { return closed_; }
  // The client reset it with this.
  const std::optional<http2::ErrorCode>& reset() const { return reset_; }
  const http::RequestHead& head() const { return head_; }
  std::string Header(absl::string_view name) const;
  const std::string& body() const { return body_; }
  const Fields& trailers() const { return trailers_; }
  // Body bytes are credited to the client as they come, unless this is set.
  bool hold_credit = false;
  void GiveCredit(uint64_t bytes);

  // A whole response; trailers may be empty.
  void Reply(uint16_t status, const Fields& headers = {}, absl::string_view body = "",
             const Fields& trailers = {});
  void SendInformational(uint16_t status, const Fields& headers);
  void SendHead(uint16_t status, const Fields& headers, bool end);
  void SendBody(absl::string_view body, bool end);
  void SendTrailers(const Fields& trailers);
  void Reset(http2::ErrorCode code);

 private:
  friend class Http2OriginConnection;

  http::RequestHead& OnMessageBegin() override { return head_; }
  void OnHead(buffer::Slice head_bytes) override;
  void OnBody(buffer::Slice data) override;
  http::HeaderMap& OnTrailersBegin() override { return trailer_map_; }
  void OnTrailers(buffer::Slice trailer_bytes) override;
  void OnComplete() override;
  void Pump();

  Http2OriginConnection& connection_;
  const http2::StreamId id_;
  buffer::Arena arena_;
  http::RequestHead head_{arena_};
  http::HeaderMap trailer_map_{arena_};
  buffer::Slice head_bytes_;
  std::string body_;
  Fields trailers_;
  bool has_head_ = false;
  bool complete_ = false;
  bool closed_ = false;
  std::optional<http2::ErrorCode> reset_;
  buffer::Buffer out_;  // Of the answer's body, what the session had no room for.
  bool out_end_ = false;
};

class Http2Origin;

// Owner: the Http2Origin. Dies with it.
class Http2OriginConnection final : public event::IoHandler,
                                    public event::TurnEnd,
                                    public http2::ServerVisitor {
 public:
  Http2OriginConnection(Http2Origin& origin, net::UniqueFd fd);

  // In the order in which they began.
  const std::vector<std::unique_ptr<Http2OriginStream>>& streams() const { return streams_; }
  http2::ServerSession& session() { return *session_; }
  bool ended() const { return !connection_.open(); }
  // The last GOAWAY of the client.
  const std::optional<http2::ErrorCode>& goaway() const { return goaway_; }
  // Null without TLS, and before the handshake.
  const tls::SessionInfo* tls_session() const { return handshaken_ ? &tls_->session() : nullptr; }
  // Bytes that came before anything else, when Http2Origin::preface_bytes asks for them.
  const std::string& preface() const { return preface_; }

  void Close();
  // Neither reads nor writes any more, as if its machine had gone.
  bool deaf = false;
  // Has what the session wants to say leave at the end of the turn.
  void Flush();

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

 private:
  void OnReset(http2::StreamId stream, http2::ErrorCode code, bool by_peer) override;
  void OnClosed(http2::StreamId stream) override;
  void OnRoom(http2::StreamId stream) override;
  void OnGoAway(http2::StreamId, http2::ErrorCode code) override { goaway_ = code; }
  void OnPong(uint64_t) override {}
  http::RequestVisitor* OnStreamBegin(http2::StreamId stream) override;
  void OnHeadRefused(http2::StreamId stream, http::CodecError) override;
  // False: not done yet, or failed.
  bool Handshake();
  bool ReadPreface();
  Http2OriginStream* Find(http2::StreamId id);

  Http2Origin& origin_;
  net::Connection connection_;
  tls::TlsTransport* tls_ = nullptr;
  bool handshaken_ = false;
  std::string preface_;
  std::optional<http2::ServerSession> session_;
  std::vector<std::unique_ptr<Http2OriginStream>> streams_;
  std::optional<http2::ErrorCode> goaway_;
  size_t answered_ = 0;  // Streams before it went to on_request.
};

// Owner: the test. Thread: the loop's.
class Http2Origin final : public event::IoHandler {
 public:
  explicit Http2Origin(event::EventLoop& loop,
                       std::shared_ptr<const tls::ServerContext> context = nullptr);
  ~Http2Origin() override;

  uint16_t port() const { return port_; }
  const std::vector<std::unique_ptr<Http2OriginConnection>>& connections() const {
    return connections_;
  }
  // All streams of all connections.
  size_t stream_count() const;
  // Stream `i`, counted over all connections in their order.
  Http2OriginStream& stream(size_t i);
  void StopListening();

  // Of connections made from now on.
  http2::Options options;
  // So many bytes precede the TLS or HTTP/2 of a connection (a PROXY header).
  size_t preface_bytes = 0;
  // Called once per request, complete or not as `on_head` says. Without it the test answers.
  absl::AnyInvocable<void(Http2OriginStream&)> on_request;
  bool on_head = false;
  // Every stream is refused.
  bool refuse_all = false;

  void OnIo(uint32_t events) override;

 private:
  friend class Http2OriginConnection;

  event::EventLoop& loop_;
  stats::Registry registry_;
  stats::Group<stats::Http2Stats> stats_;
  stats::Group<stats::TlsStats> tls_stats_;
  base::Held<tls::ServerContext> context_;  // Null: plain.
  net::UniqueFd listening_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<Http2OriginConnection>> connections_;
};

}  // namespace proxenos::testing
