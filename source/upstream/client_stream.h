// ClientStream: where an exchange's request goes and its response comes from: an HTTP/1.1
// connection while it serves that one request, or a stream of an HTTP/2 connection.
//
// It deposits what the codec finds in its exchange. Nothing it is called with from above calls
// back.
//
// Owner: the ClientConnection. Thread: the worker's.
#pragma once

#include <cstdint>

#include "source/base/link.h"
#include "source/buffer/buffer.h"
#include "source/http/message.h"
#include "source/http/visitor.h"
#include "source/upstream/exchange.h"

namespace proxenos::upstream {

class ClientConnection;

class ClientStream : public http::ResponseVisitor {
 public:
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  // What it is a stream of.
  ClientConnection& connection() const { return owner_; }

  // Encodes the head, once per exchange. `end`: neither body nor trailers follow, though SendBody
  // may still say so again.
  virtual void SendHead(const http::RequestHead& head, bool end) = 0;
  // Takes as much of `body` as there is room for; with `end` and nothing left of it, ends the
  // message, with `trailers` when not null. True when all was taken; else the exchange is told once
  // there is room again.
  virtual bool SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) = 0;
  // Bytes of request body that can be taken now.
  virtual uint64_t Room() const = 0;
  // Whether all of the request was taken.
  virtual bool request_complete() const = 0;

  // The exchange has let go of `bytes` of the response's body: more may come.
  virtual void BodyTaken(uint64_t bytes) = 0;
  // The exchange is being destroyed: it wants no more of this.
  virtual void Abandon() = 0;
  // The same, so that the host learns that it was cut off, where the protocol leaves that open.
  virtual void AbandonByReset() { Abandon(); }

 protected:
  friend class Exchange;

  explicit ClientStream(ClientConnection& connection) : exchange_(this), owner_(connection) {}
  ~ClientStream() override = default;

  // Of http::ResponseVisitor: deposits. REQUIRES: an exchange.
  http::ResponseHead& OnMessageBegin() override;
  void OnInformational(buffer::Slice head) override;
  void OnHead(buffer::Slice head) override;
  void OnBody(buffer::Slice data) override;
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice bytes) override;
  void OnComplete() override;

  // Ends the exchange, if there is one, before its response did.
  void EndByReset(ResetReason reason, absl::string_view detail);

  base::Link<ClientStream, Exchange> exchange_;

 private:
  ClientConnection& owner_;
};

}  // namespace proxenos::upstream
