// StreamCarrier: what carries one request and its response over a connection: a message of an
// HTTP/1.1 connection, or a stream of an HTTP/2 session. All that a Stream asks of its protocol.
//
// Every call only appends to what the connection will send, or marks; nothing calls back into the
// stream.
#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/message.h"

namespace proxenos::downstream {

// Owner: its connection. Thread: the worker's. Dies with its Stream, which is a member of it.
class StreamCarrier {
 public:
  virtual ~StreamCarrier() = default;

  // The request counts from now on: its head is complete, or it was refused.
  virtual void OnBegin() = 0;

  // An interim response: any number of them before SendHead.
  virtual void SendInformational(const http::ResponseHead& head) = 0;
  // The response's head; `end`: nothing follows it. Returns how its body goes: kNone when it has
  // none, so that SendBody may not be called. May change `head` to what the protocol asks for.
  virtual http::Framing::Kind SendHead(http::ResponseHead& head, bool end) = 0;
  // Takes from the front of `body` as much as there is room for, and returns how much. When it was
  // not all, the stream runs again once there is more room.
  virtual uint64_t SendBody(buffer::Buffer& body) = 0;
  // Ends the response; `trailers` may be null.
  virtual void SendEnd(const http::HeaderMap* trailers) = 0;

  // The stream has been advanced: bytes of the request may have left it, so that more may come.
  virtual void ReadOn() = 0;
  // The upgrade or CONNECT under way is answered with a final status.
  virtual void RefuseTunnel() = 0;
  // The response is complete, or with `abort` will never be: the stream is over.
  virtual void End(bool abort) = 0;
};

}  // namespace proxenos::downstream
