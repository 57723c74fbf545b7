// Http2Stream: one stream of an HTTP/2 connection: its place in the session, and the Stream that
// serves it. Rooms 3 and 5 of a request.
//
// It lives until the session has closed the stream, which may be long after its Stream is over:
// what is queued for a slow client leaves as the client allows, until a timeout.
//
// Owner: its Http2Connection. Thread: the worker's. Dies when: the connection retires it.
#pragma once

#include <cstdint>
#include <optional>

#include "source/downstream/stream.h"
#include "source/downstream/stream_carrier.h"
#include "source/event/timer_wheel.h"
#include "source/http2/session.h"

namespace proxenos::downstream {

class Http2Connection;

class Http2Stream final : public StreamCarrier {
 public:
  Http2Stream(Http2Connection& connection, http2::StreamId id);
  ~Http2Stream() override;

  http2::StreamId id() const { return id_; }
  Stream& stream() { return stream_; }

  // From the session. The peer, or with an error of the peer's making we, have reset the stream.
  void OnReset(http2::ErrorCode code, bool by_peer, absl::string_view detail);
  // The session knows the stream no more. True when nobody else does either.
  bool OnClosed();
  bool closed() const { return closed_; }
  bool reset() const { return reset_; }
  // Notes what has come of the request, with framing, as long as the session knows it.
  void CountReceived();
  // The overload manager has changed how long timeouts are.
  void RearmTimers();
  // Over before its end of the request or of what is queued: the session is to be told.
  void Release(bool abort);

  void OnBegin() override;
  void SendInformational(const http::ResponseHead& head) override;
  http::Framing::Kind SendHead(http::ResponseHead& head, bool end) override;
  uint64_t SendBody(buffer::Buffer& body) override;
  void SendEnd(const http::HeaderMap* trailers) override;
  void ReadOn() override;
  void RefuseTunnel() override {}
  void End(bool abort) override;

 private:
  void OnFlushTimeout();
  // What a client is told of a stream that is cut.
  http2::ErrorCode AbortCode() const;
  // How long what is queued may wait for the peer once the stream is over; 0: for ever.
  base::Nanos FlushTimeout() const;
  base::Nanos ConfiguredFlushTimeout() const;

  Http2Connection& connection_;
  const http2::StreamId id_;
  Stream stream_;
  std::optional<event::Timer> flush_timer_;  // For what is queued once the stream is over.
  uint64_t credited_ = 0;                    // Of the request's body.
  bool end_sent_ = false;
  bool closed_ = false;
  bool reset_ = false;
};

}  // namespace proxenos::downstream
