// What the codecs call. Bytes in, visitor calls out; a visitor only deposits what it is given: it
// destroys nothing and feeds no codec meanwhile.
//
// Legal sequences, per message:
//   OnMessageBegin OnHead (OnBody)* (OnTrailersBegin OnTrailers)? OnComplete
// on the client side with any number of (OnMessageBegin OnInformational) before it. A tunnel has
// OnMessageBegin OnHead (OnBody)* and ends with its connection. After an error nothing is called.
#pragma once

#include "source/buffer/slab.h"
#include "source/http/message.h"

namespace proxenos::http {

// What is the same in both directions.
class MessageVisitor {
 public:
  virtual ~MessageVisitor() = default;
  // The head is complete. `head_bytes` holds what its views point to: keep it as long as the head.
  // Empty when they point into the arena of its headers (HTTP/2).
  virtual void OnHead(buffer::Slice head_bytes) = 0;
  // A part of the content, never empty. The slice shares the slab that the bytes arrived in.
  virtual void OnBody(buffer::Slice data) = 0;
  // The first trailer field arrived: gives the (empty) storage for all of them.
  virtual HeaderMap& OnTrailersBegin() = 0;
  // The trailers are complete. `trailer_bytes` holds what their views point to.
  virtual void OnTrailers(buffer::Slice trailer_bytes) = 0;
  // The message is complete.
  virtual void OnComplete() = 0;
};

class RequestVisitor : public MessageVisitor {
 public:
  // The first byte of a request arrived: gives the storage for its head, as constructed.
  virtual RequestHead& OnMessageBegin() = 0;
};

class ResponseVisitor : public MessageVisitor {
 public:
  // The first byte of a response, informational or final, arrived: gives the storage for its head.
  virtual ResponseHead& OnMessageBegin() = 0;
  // A 1xx head other than 101 is complete; the next head begins anew with OnMessageBegin.
  virtual void OnInformational(buffer::Slice head_bytes) = 0;
};

}  // namespace proxenos::http
