// HttpConnection: what downstream HTTP connections of every protocol have in common: reading while
// somebody wants bytes, writing at the turn's end, timeouts, and the ways to end. Room 4 of a
// request.
//
// Read interest is computed, from what is held and who wants bytes; nothing counts pauses.
//
//   kOpen --> kClosing (flush, then close) --> kLingering (end sent; the peer's is awaited) -->
//   kClosed
#pragma once

#include <cstdint>

#include "source/downstream/connection.h"
#include "source/downstream/http_service.h"
#include "source/event/event_loop.h"
#include "source/filter/stream_info.h"
#include "source/net/connection.h"

namespace proxenos::downstream {

class HttpConnection : public Connection {
 public:
  HttpConnection(HttpService& service, Arrival arrival);
  ~HttpConnection() override;

  void OnIo(uint32_t events) final;
  void OnTurnEnd() final;
  void Abort() final { Close(/*by_peer=*/false); }
  base::MonoTime last_active() const final { return last_active_; }
  ChainService* admitted_by() final { return &service_; }
  void Describe(filter::StreamInfo& info) final;

  HttpService& service() const { return service_; }
  Listener& listener() { return service_.listener(); }
  const HttpConfig& config() const { return service_.config(); }
  stats::HttpStats& stats() { return service_.stats(); }
  event::EventLoop& loop() { return loop_; }
  const filter::ConnectionInfo& info();
  buffer::Buffer& out() { return socket_.out(); }
  // What of the connection's budget of unsent bytes is free.
  uint64_t Room() const;
  bool draining() const { return draining_; }
  void Touch() { last_active_ = loop_.now(); }
  base::MonoTime created() const { return info_.begin; }
  // How it is about to end, or has.
  net::CloseType close_type();
  void CountRequest();
  bool LastRequest();  // max_requests_per_connection is reached.
  // max_connection_duration is over, which is counted.
  bool Outlived();
  // Something was appended to out(), or is to be.
  void WantFlush() { loop_.AtTurnEnd(this); }

 protected:
  enum class State : uint8_t { kOpen, kClosing, kLingering, kClosed };

  // What each protocol answers, all while open.
  virtual bool WantsBytes() const = 0;
  // Takes what arrived. False when no more should be read now.
  virtual bool Receive(buffer::Slice bytes) = 0;
  // The peer has ended its direction, which nobody is going to see by reading.
  virtual void OnUnreadEnd() = 0;
  // The peer has ended its direction, or with `error` the connection.
  virtual void OnPeerEnd(bool error) = 0;
  // Appends to out() what is to be sent this turn.
  virtual void Produce() {}
  // Everything or a part of out() has left.
  virtual void OnFlushed() = 0;
  virtual void OnOpenTimer() = 0;
  // Ends all streams: the connection is about to close.
  virtual void CutStreams(bool by_peer) = 0;

  void ReadOn();
  // How long the head of a request may take, which is a part of the request. 0: without end.
  base::Nanos HeadTimeout() const;
  // Whether that is for the whole request: request_timeout.
  bool HeadEndsRequest() const { return HeadTimeout() != config().request_headers_timeout; }
  // When max_connection_duration is over: kNever without one.
  base::MonoTime EndOfLife() const;
  // drain_timeout, as it is for this connection.
  base::Nanos DrainTimeout() const;
  // Of a connection that has become idle at that time: kNever without a timeout.
  base::MonoTime IdleDeadline(base::MonoTime since) const;
  // Before bytes that have come are looked at: whether load is shed instead, by a load-shed point.
  // Then the connection has been told what to do.
  bool ShedsLoad();
  // The codec's own point: true where nothing more is to be read.
  virtual bool AbortsDispatch(const base::Overload&) { return false; }
  // Closes, with the goodbye that the protocol has.
  virtual void CloseForOverload() { Close(/*by_peer=*/false); }
  // Until when a peer must have taken some of what waits for it; kNever when nothing does.
  base::MonoTime UntakenDeadline() const;
  // Whether that has begun, moved or ended since the last call: after a flush, while no stream
  // watches over it.
  bool UntakenChanged();
  // Nothing more is read as HTTP; closes once out() is flushed.
  void StartClosing();
  void Close(bool by_peer);
  // Another object goes on with the socket, which has `rest` to be read first: this one is to be
  // retired.
  Arrival Leave(buffer::Slice rest);

  net::Connection socket_;
  event::Timer timer_;  // Of what the protocol waits for; then of the end.
  State state_ = State::kOpen;
  bool draining_ = false;
  bool linger_ = false;  // The peer may be sending still, what nobody is going to read.
  bool reset_ = false;   // A response was cut short that only the connection's end delimits.

 private:
  void FinishClosing();
  base::Nanos FlushTimeout() const;
  void Discard();
  void OnTimer();

  HttpService& service_;
  event::EventLoop& loop_;
  filter::ConnectionInfo info_;
  bool heard_ = false;         // Something of the peer has been looked at.
  bool reset_unread_ = false;  // close_type() has heard of a reset that no read met.
  base::MonoTime last_active_;
  uint64_t untaken_at_ = 0;  // One more than had been written when the socket took no more.
  uint32_t requests_ = 0;
};

}  // namespace proxenos::downstream
