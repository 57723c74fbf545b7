// ClientConnection: one HTTP/1.1 connection to an upstream host: encodes requests, decodes
// responses and deposits them in the exchange under way. Room 8 of a request.
//
// Owner: its HostPool. Thread: the worker's. Dies when: the pool retires it, after Close.
//
//   kConnecting --> kIdle <--> kBusy
//        |            |          |
//        +------------+----------+--> kClosed
#pragma once

#include <cstdint>

#include "source/base/intrusive_list.h"
#include "source/base/link.h"
#include "source/event/event_loop.h"
#include "source/http1/decoder.h"
#include "source/net/connection.h"
#include "source/net/socket.h"
#include "source/upstream/exchange.h"

namespace proxenos::upstream {

class HostPool;

class ClientConnection final : public event::IoHandler,
                               public event::TurnEnd,
                               public http::ResponseVisitor,
                               public base::ListNode<> {
 public:
  enum class State : uint8_t { kConnecting, kIdle, kBusy, kClosed };

  ClientConnection(HostPool& pool, net::UniqueFd fd);
  ~ClientConnection() override;

  State state() const { return state_; }
  uint64_t id() const { return id_; }
  uint32_t requests() const { return requests_; }
  uint64_t AgeMs() const;
  // Has become idle: starts the idle timeout.
  void ArmIdle();
  const net::Address& local_address();

  // Takes an exchange: kIdle -> kBusy. REQUIRES: state() == kIdle.
  void Begin(Exchange& exchange);
  // Encodes the head. Once per exchange.
  void SendHead(const http::RequestHead& head);
  // Takes as much of `body` as there is room for; with `end` and nothing left of it, ends the
  // message, with `trailers` when not null. True when all was taken.
  bool SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers);
  // Bytes of request body that can be taken now.
  uint64_t Room() const;
  bool request_complete() const { return request_complete_; }

  // The exchange is being destroyed: it wants no more of this.
  void Abandon();
  // The exchange has room again.
  void ReadOn();
  // Closes at once; for the pool.
  void Close();
  // No further requests: closes when the one under way is done.
  void CloseWhenDone() { close_when_done_ = true; }

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

 private:
  // http::ResponseVisitor: deposits.
  http::ResponseHead& OnMessageBegin() override;
  void OnInformational(buffer::Slice head) override;
  void OnHead(buffer::Slice head) override;
  void OnBody(buffer::Slice data) override;
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice bytes) override;
  void OnComplete() override;

  void OnConnectEvent(uint32_t events);
  void ReadResponse();
  bool Decode(buffer::Slice& bytes);
  // Ends the exchange (if there is one) with `reason`, and closes.
  void Fail(ResetReason reason, absl::string_view detail);
  // The response is complete: back to the pool, or closed.
  void Finish();
  void OnTimer();

  HostPool& pool_;
  const uint64_t id_;
  net::Connection connection_;
  event::Timer timer_;  // Connect timeout, then idle timeout.
  http1::ResponseDecoder decoder_;
  State state_ = State::kConnecting;
  http::Framing::Kind request_framing_ = http::Framing::kNone;
  bool request_complete_ = false;  // All of the request is in `out`.
  bool response_complete_ = false;
  bool keep_alive_ = true;
  bool close_when_done_ = false;
  bool want_room_ = false;  // The exchange could not hand over all it had.
  uint32_t requests_ = 0;
  base::MonoTime created_;
  net::Address local_address_;
  base::Link<ClientConnection, Exchange> exchange_;
};

}  // namespace proxenos::upstream
