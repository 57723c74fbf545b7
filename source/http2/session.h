// Session: one HTTP/2 connection's framing, header compression and flow control (RFC 9113, 7541),
// over nghttp2, which appears in this folder only. Bytes in, visitor calls out; it knows no socket,
// no loop and no clock. Room 3 of a request.
//
// Invariants: bytes that the peer sent are credited to its window only when Consume says that they
// left the stream; nothing is queued for the peer without a bound; every kind of frame that costs
// us more than it costs the peer has a budget (Budgets), and a peer that exceeds one loses the
// connection with ENHANCE_YOUR_CALM.
//
// Owner: the connection. Thread: its worker's. Dies with the connection.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/buffer/slab.h"
#include "source/http/codec.h"
#include "source/http/visitor.h"
#include "source/http2/options.h"

namespace proxenos::http2 {

using StreamId = int32_t;

// RFC 9113, section 7.
enum class ErrorCode : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

// What a session tells its connection besides the parts of messages.
//
// Rule: visitors (these and the messages') are called from inside Receive and Produce only. They
// deposit; from inside a call they may use Consume, Reset, Detach and what is const, all of which
// only queue or look, and nothing else of the session.
class SessionVisitor {
 public:
  virtual ~SessionVisitor() = default;
  // The stream is over: reset by the peer, refused, or broken by a stream error that has been
  // answered with RST_STREAM. Not called for streams that ended in order or by Reset. kNoError by
  // the peer of a client: the response is complete, the rest of the request is not wanted.
  // kRefusedStream: the peer did nothing with it (also after GOAWAY).
  virtual void OnReset(StreamId stream, ErrorCode code, bool by_peer) = 0;
  // Both directions have ended, or OnReset was called before: the id is free; called exactly once
  // for each stream that was begun.
  virtual void OnClosed(StreamId stream) = 0;
  // The stream can take more of a body after SendBody had taken less than all of it.
  virtual void OnRoom(StreamId stream) = 0;
  // GOAWAY arrived: streams above `last` were not and will not be processed; begin no more.
  virtual void OnGoAway(StreamId last, ErrorCode code) = 0;
  // A PING of ours was answered.
  virtual void OnPong(uint64_t opaque) = 0;
};

class ServerVisitor : public SessionVisitor {
 public:
  // A HEADERS frame opens `stream`. Gives where its request goes, which lives until OnClosed; null
  // refuses the stream (REFUSED_STREAM; no OnClosed for it).
  virtual http::RequestVisitor* OnStreamBegin(StreamId stream) = 0;
  // The head of `stream` was refused after OnStreamBegin, in a way that HTTP answers: over a limit
  // (431), without authority (400), an expectation (417). The connection answers with
  // StatusOf(error) (or resets it); nothing more comes for that stream but OnReset and OnClosed,
  // and what is left of the request is refused behind the answer.
  // (A malformed head is answered by the session: with OnReset, or by ending the connection.)
  virtual void OnHeadRefused(StreamId stream, http::CodecError error) = 0;
};

class ClientVisitor : public SessionVisitor {
 public:
  // The peer's SETTINGS arrived (again): max_concurrent_streams() and others may have changed.
  virtual void OnSettings() = 0;
};

class SessionState;  // nghttp2's half: session_state.h.

class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // Takes all of `bytes`. False: the connection is broken; what Produce gives (a GOAWAY) is still
  // to be sent, then it closes. error() and detail() tell why.
  bool Receive(const buffer::Slice& bytes);
  // Appends frames that want to leave to `out`, until it holds `limit` bytes or nothing is left.
  void Produce(buffer::Buffer& out, uint64_t limit);
  // Whether Produce would append something.
  bool wants_write() const;
  // Frames that know no window (heads, control frames) and wait for Produce.
  uint64_t pending_bytes() const;
  // Nothing more will be read or written: both sides are done (after GOAWAY).
  bool finished() const;

  // How much of a body `stream` may still be given: its send queue is bounded, whatever the peer's
  // window says. 0 when it is over.
  uint64_t Room(StreamId stream) const;
  // Moves as much of `body` as there is room for into the stream's send queue; with `end` and all
  // of it taken ends the stream, with `trailers` (copied) when not null. True when all was taken;
  // a stream that is over takes all and forgets it. REQUIRES: its final head was sent.
  bool SendBody(StreamId stream, buffer::Buffer& body, bool end, const http::HeaderMap* trailers);
  // Gives credit for `bytes` of the peer's body that left the stream. What was not credited when
  // the stream closes is credited to the connection then.
  void Consume(StreamId stream, uint64_t bytes);
  // Ends `stream` at once with RST_STREAM; OnClosed follows, not from inside; what was queued to
  // be sent is dropped, and nothing more goes to its visitor. No-op when over. But kNoError, once
  // all of a message was given to be sent, waits until it was: it only ends the peer's half.
  void Reset(StreamId stream, ErrorCode code);

  // As Reset, but what was queued to be sent goes out before.
  void ResetWhenSent(StreamId stream, ErrorCode code);

  // What passed, or is queued to pass, of `stream`'s messages, frame headers included (of a server:
  // what was received). Zero when it is over.
  struct WireBytes {
    uint64_t received = 0;
    uint64_t sent = 0;
  };
  WireBytes wire_bytes(StreamId stream) const;
  // What a body of that size takes, cut into frames of the usual length.
  static uint64_t FramedBytes(uint64_t body);

  // Whether nothing of `stream`'s body is still queued.
  bool SendQueueEmpty(StreamId stream) const;

  // Tells the peer to begin no more streams; those it has begun meanwhile are served (two-step
  // shutdown of RFC 9113, 6.8): Notice first, GoAway a round trip later. A client's notice is
  // nothing.
  void SendShutdownNotice();
  // With kNoError the streams under way go on to their end; any other code ends the connection.
  void SendGoAway(ErrorCode code);
  void SendPing(uint64_t opaque);

  // Gives back 4 of the 11 KiB that a session without streams holds. Costs 2 us: for a connection
  // that has been idle for a while. No-op while there are streams.
  void ReleaseIdleMemory();

  uint32_t active_streams() const;

  ErrorCode error() const;
  // A short stable name such as "http2.too_many_resets"; static text.
  absl::string_view detail() const;

 protected:
  explicit Session(std::unique_ptr<SessionState> state);
  std::unique_ptr<SessionState> state_;
};

class ServerSession final : public Session {
 public:
  // `options`, `stats` and `visitor` outlive the session. Queues our SETTINGS.
  ServerSession(const Options& options, stats::Http2Stats& stats, ServerVisitor& visitor);

  // An interim response (1xx other than 101), before SendHead.
  void SendInformational(StreamId stream, const http::ResponseHead& head);
  // The response head; with `end` the whole response. Names and values are written as they are,
  // but for fields that HTTP/2 forbids (RFC 9113, 8.2.2), which are left out, and what could end a
  // line in HTTP/1, which becomes a space. Content-Length follows `framing`, as in HTTP/1.1. A 101
  // accepts an extended CONNECT (and is a 200 on the wire). Nothing of `head` is kept. Returns what
  // it takes on the wire.
  uint64_t SendHead(StreamId stream, const http::ResponseHead& head, bool end);
};

class ClientSession final : public Session {
 public:
  ClientSession(const Options& options, stats::Http2Stats& stats, ClientVisitor& visitor);

  // Begins a stream; its response goes to `visitor`, which lives until OnClosed (or until
  // Detach). `end`: no body follows. A head with `upgrade` goes as extended CONNECT, and a 2xx to
  // it comes back as 101 (RFC 8441). Nothing of `head` is kept. REQUIRES: CanBegin().
  StreamId SendHead(const http::RequestHead& head, bool end, http::ResponseVisitor& visitor);
  // Nothing more of `stream` goes to its visitor: who gave it is being destroyed.
  void Detach(StreamId stream);
  // Neither GOAWAY nor the stream limits (the peer's, ours) nor exhausted ids forbid another.
  bool CanBegin() const;
  // The peer's SETTINGS_MAX_CONCURRENT_STREAMS, cut to our own limit.
  uint32_t max_concurrent_streams() const;
  // Whether the peer's SETTINGS allow extended CONNECT.
  bool peer_allows_connect() const;
};

}  // namespace proxenos::http2
