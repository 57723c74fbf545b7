// Http2ClientConnection: many exchanges at once over one connection, each on a stream of its own.
//
//   open --> draining (GOAWAY, worn out, or the pool drains) --> closed once no stream is left
//
// The session deposits from inside Receive and Produce; what follows from it for the pool is done
// by Settle, behind them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "source/base/recycled.h"
#include "source/http2/session.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/client_stream.h"

namespace proxenos::upstream {

class Http2ClientConnection;

// One exchange's stream. Owner: the connection. Thread: the worker's. Dies when: the session has
// closed it, or the connection closes.
class Http2ClientStream final : public ClientStream,
                                public base::ListNode<>,
                                public base::Recycled<Http2ClientStream> {
 public:
  explicit Http2ClientStream(Http2ClientConnection& connection);

  void SendHead(const http::RequestHead& head, bool end) override;
  bool SendBody(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) override;
  uint64_t Room() const override;
  bool request_complete() const override { return request_complete_; }
  void BodyTaken(uint64_t bytes) override;
  void Abandon() override;

 private:
  friend class Http2ClientConnection;

  void OnHead(buffer::Slice head) override;
  void OnBody(buffer::Slice data) override;
  void OnComplete() override;
  // It was not processed and can be sent again without harm.
  void Refuse();

  Http2ClientConnection& connection_;
  http2::StreamId id_ = 0;  // 0: not begun, the head is still to come.
  bool request_complete_ = false;
  uint64_t written_before_ = 0;  // The connection's bytes_written when it was begun.
};

// Owner, thread, end: of ClientConnection.
class Http2ClientConnection final : public ClientConnection, public http2::ClientVisitor {
 public:
  Http2ClientConnection(HostPool& pool, Established established);
  ~Http2ClientConnection() override;

  bool Begin(Exchange& exchange) override;
  void CloseWhenDone() override;

  void OnIo(uint32_t events) override;
  void OnTurnEnd() override;

 private:
  friend class Http2ClientStream;

  // http2::SessionVisitor: deposits.
  void OnReset(http2::StreamId id, http2::ErrorCode code, bool by_peer) override;
  void OnClosed(http2::StreamId id) override;
  void OnRoom(http2::StreamId id) override;
  void OnGoAway(http2::StreamId last, http2::ErrorCode code) override;
  void OnPong(uint64_t opaque) override;
  void OnSettings() override;

  void OnClosing() override;
  Http2ClientStream* Find(http2::StreamId id);
  // False: the connection takes no more.
  bool Open(Http2ClientStream& stream, const http::RequestHead& head, bool end);
  void Remove(Http2ClientStream& stream);
  void Read();
  void Drain();
  void CountFree();
  int64_t ExpectedStreams() const;
  void AwaitSettings();
  void StopWaiting();
  // Tells the pool what changed, or closes when nothing is left to do.
  void Settle();
  void SayGoodbye(http2::ErrorCode code);
  // Ends all exchanges with `reason`.
  void ResetAll(ResetReason reason, absl::string_view detail);
  void Fail(ResetReason reason, absl::string_view detail);
  void SendPing();
  void OnKeepaliveTimer();

  std::optional<http2::ClientSession> session_;  // Until closed.
  base::IntrusiveList<Http2ClientStream> streams_;
  absl::flat_hash_map<http2::StreamId, Http2ClientStream*> by_id_;
  event::Timer keepalive_timer_;  // The next PING, or the end of the wait for its answer.
  base::MonoTime last_read_;
  bool awaiting_pong_ = false;
  bool waits_for_settings_ = false;  // They say whether the host takes extended CONNECT.
  bool settings_seen_ = false;
  bool draining_ = false;
  bool changed_ = true;  // Something that Settle has not told the pool.
};

}  // namespace proxenos::upstream
