// Http1ClientConnection: encodes one request after another and decodes the responses. It is its own
// stream: that of the exchange under way.
//
//   kIdle <--> kBusy
//      |         |
//      +---------+--> closed
#pragma once

#include <memory>

#include "source/http1/decoder.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::upstream {

// Owner, thread, end: of ClientConnection.
class Http1ClientConnection final : public ClientConnection, public ClientStream {
 public:
  Http1ClientConnection(HostPool& pool, Established established);
  // One that served another worker.
  Http1ClientConnection(HostPool& pool, std::unique_ptr<Loan> loan);

  // ClientConnection
  bool Begin(Exchange& exchange) override;
  void CloseWhenDone() override;
  std::unique_ptr<Loan> Part() override;

  // ClientStream
  void SendHead(const http::RequestHead& head, bool end) override;
  bool SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) override;
  uint64_t Room() const override;
  bool request_complete() const override { return request_complete_; }
  void BodyTaken(uint64_t bytes) override;
  void Abandon() override;

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

 private:
  http::ResponseHead& OnMessageBegin() override;
  void OnHead(buffer::Slice head) override;

  bool busy() const { return active_ != 0; }
  void ReadResponse();
  // The host sends nothing more. REQUIRES: busy().
  void OnEnd();
  // False when the connection is closed or done.
  bool Decode(buffer::Slice& bytes);
  // Ends the exchange (if there is one) with `reason`, and closes.
  void Fail(ResetReason reason, absl::string_view detail);
  // Bytes, or the end, although nothing was asked: whatever it is, it is no answer.
  void FailUnasked();
  // The response is complete: back to the pool, or closed.
  void Finish();
  // While idle: what arrived is read, so that it cannot pass for an answer. False: closed.
  bool CheckIdle();
  // Whether the host can have seen anything of the request under way.
  bool RequestLeft() const { return connection_.bytes_written() != written_before_; }

  http1::ResponseDecoder decoder_;
  http::Framing::Kind request_framing_ = http::Framing::kNone;
  bool request_complete_ = false;  // All of the request is in `out`.
  bool keep_alive_ = true;
  bool close_when_done_ = false;
  bool want_room_ = false;       // The exchange could not hand over all it had.
  uint64_t written_before_ = 0;  // The connection's bytes_written when the exchange began.
};

}  // namespace proxenos::upstream
