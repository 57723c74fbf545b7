// RawClientConnection: a connection whose bytes belong to one exchange as they are, for those that
// proxy connections instead of requests: the exchange's body is what the host sends, its request
// body what the host is sent, and each end is the end of that direction alone. It is its own
// stream, and is never used again.
//
//   fresh --Begin--> carrying --> closed
#pragma once

#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::upstream {

// Owner, thread, end: of ClientConnection.
class RawClientConnection final : public ClientConnection, public ClientStream {
 public:
  RawClientConnection(HostPool& pool, Established established);

  // ClientConnection
  bool Begin(Exchange& exchange) override;
  void CloseWhenDone() override;

  // ClientStream. There is no head.
  void SendHead(const http::RequestHead&, bool) override {}
  bool SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) override;
  uint64_t Room() const override;
  bool request_complete() const override { return sent_all_; }
  void BodyTaken(uint64_t bytes) override;
  void Abandon() override;
  void AbandonByReset() override;

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

 private:
  void ReadOn();
  // Both directions have ended.
  void Finish(bool by_remote);
  void Fail();

  bool want_room_ = false;  // The exchange could not hand over all it had.
  bool sent_all_ = false;   // All there will be is in `out`.
  bool shut_ = false;       // The host was told so.
  bool ended_ = false;      // The host has ended its direction.
};

}  // namespace proxenos::upstream
