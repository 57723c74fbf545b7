// Http1Stream: one request of an HTTP/1.1 connection and its response: the decoder of the one, the
// encoding of the other, and the Stream between them. Room 3 and 5 of a request.
//
// Owner: its Http1Connection. Thread: the worker's. Dies when: the connection retires it.
#pragma once

#include "source/base/recycled.h"
#include "source/downstream/stream.h"
#include "source/downstream/stream_carrier.h"
#include "source/http1/decoder.h"

namespace proxenos::downstream {

class Http1Connection;

class Http1Stream final : public StreamCarrier, public base::Recycled<Http1Stream> {
 public:
  explicit Http1Stream(Http1Connection& connection);
  ~Http1Stream() override;

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }

  // A byte of the request has come; not so while only the empty line that may stand before it has.
  bool begun() const { return stream_.has_head() || decoder_.InMessage(); }
  // Feeds bytes of this request's message to the decoder, then pumps. On return `bytes` is what was
  // not consumed.
  http1::DecodeResult Receive(buffer::Slice& bytes);
  // The peer ended its direction: finishes a tunnel's request side. False: a message was cut short.
  bool OnPeerEnd();
  // The end of the response is the end of the connection: a cut must not look like it.
  bool response_until_close() const { return framing_ == http::Framing::kUntilClose; }

  void OnBegin() override;
  void SendInformational(const http::ResponseHead& head) override;
  http::Framing::Kind SendHead(http::ResponseHead& head, bool end) override;
  uint64_t SendBody(buffer::Buffer& body) override;
  void SendEnd(const http::HeaderMap* trailers) override;
  void ReadOn() override;
  void RefuseTunnel() override;
  void End(bool abort) override;

 private:
  // What is in the connection's output beyond `before` bytes is the stream's.
  void CountSent(uint64_t before);

  Http1Connection& connection_;
  Stream stream_;
  http1::RequestDecoder decoder_;
  http::Framing::Kind framing_ = http::Framing::kNone;  // Of the response.
  bool close_after_ = false;
};

}  // namespace proxenos::downstream
