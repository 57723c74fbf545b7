// HttpConnection: one downstream HTTP/1.1 connection: feeds its codec, owns the stream under way,
// writes what the stream encoded. Room 4 of a request.
//
// Between requests it has neither stream, codec state nor buffers. Read interest is computed, from
// what is held and who wants bytes; nothing counts pauses.
//
//   kOpen --> kClosing (flush, then close) --> kLingering (end sent; the peer's is awaited) -->
//   kClosed
//
// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
#pragma once

#include <memory>

#include "source/base/intrusive_list.h"
#include "source/downstream/stream.h"
#include "source/event/event_loop.h"
#include "source/filter/stream_info.h"
#include "source/net/connection.h"

namespace proxenos::downstream {

class Listener;

class HttpConnection final : public event::IoHandler,
                             public event::TurnEnd,
                             public base::ListNode<> {
 public:
  HttpConnection(Listener& listener, int fd, const net::Address& remote);
  ~HttpConnection() override;

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

  // No more requests: the response under way (or the next) says so. With `now`, an idle connection
  // closes at once.
  void Drain(bool now);
  // Closes at once, whatever is under way.
  void Abort();
  // Whether no request is under way.
  bool idle() const { return stream_ == nullptr || !stream_->has_head(); }
  base::MonoTime last_active() const { return last_active_; }

  // For its stream.
  Listener& listener() { return listener_; }
  const filter::ConnectionInfo& info();
  buffer::Buffer& out() { return connection_.out(); }
  uint64_t Room() const;
  bool draining() const { return draining_; }
  void Touch();
  void CountRequest();
  bool LastRequest() const;  // max_requests_per_connection is reached.
  // The response is complete, or the stream aborted: ends the stream; `close`: and the connection.
  void EndStream(bool close, bool abort);
  // Something was appended to out().
  void WantFlush();
  // Reads on when the stream has room again.
  void WantRead();

 private:
  enum class State : uint8_t { kOpen, kClosing, kLingering, kClosed };

  void ReadRequests();
  bool Feed(buffer::Slice bytes);
  bool WantsBytes() const;
  void OnPeerEnd(bool error);
  void Discard();
  void StartClosing();
  void ArmFlushTimeout();
  void Close(bool by_peer);
  void OnTimer();
  void ArmIdle();

  Listener& listener_;
  net::Connection connection_;
  event::Timer timer_;  // Idle, request-head and lingering timeouts.
  std::unique_ptr<Stream> stream_;
  filter::ConnectionInfo info_;
  base::MonoTime created_;
  base::MonoTime last_active_;
  uint32_t requests_ = 0;
  State state_ = State::kOpen;
  bool draining_ = false;
  bool linger_ = false;  // The request was refused unfinished: more of it may be on its way.
  bool reset_ = false;   // A response was cut short that only the connection's end delimits.
};

}  // namespace proxenos::downstream
