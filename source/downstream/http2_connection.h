// Http2Connection: one downstream HTTP/2 connection: its session, the streams on it, and when it
// goes away. Room 4 of a request.
//
// The session's calls only deposit in streams, which the loop runs later in the turn; what they
// send leaves at the turn's end, as far as the peer's windows allow, each stream in its turn.
//
//   kServing --> kNoticed (first GOAWAY; drain_timeout) --> kLeaving (last GOAWAY; closes with the
//   last stream)
//
// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "source/downstream/http2_stream.h"
#include "source/downstream/http_connection.h"
#include "source/http2/session.h"

namespace proxenos::downstream {

class Http2Connection final : public HttpConnection, public http2::ServerVisitor {
 public:
  Http2Connection(HttpService& service, Arrival arrival);
  ~Http2Connection() override;

  void Drain(bool now) override;
  bool idle() const override { return streams_.empty(); }

  void RearmTimers() override;
  void AddHeavyStreams(HeavyStreams& into) override;

  // For its streams.
  http2::ServerSession& session() { return session_; }
  void CountStream();
  // The response is complete, or the stream aborted.
  void EndStream(Http2Stream& stream, bool abort);

 private:
  enum class Leaving : uint8_t { kServing, kNoticed, kLeaving };

  // Not while the client leaves answers untaken: heads know no window, and would pile up.
  bool WantsBytes() const override;
  bool Receive(buffer::Slice bytes) override;
  void OnUnreadEnd() override { OnPeerEnd(/*error=*/false); }
  void OnPeerEnd(bool error) override;
  void Produce() override;
  void OnFlushed() override;
  void OnOpenTimer() override;
  void CutStreams(bool by_peer) override;
  void CloseForOverload() override;

  // http2::ServerVisitor: deposits.
  http::RequestVisitor* OnStreamBegin(http2::StreamId id) override;
  void OnHeadRefused(http2::StreamId id, http::CodecError error) override;
  void OnReset(http2::StreamId id, http2::ErrorCode code, bool by_peer) override;
  void OnClosed(http2::StreamId id) override;
  void OnRoom(http2::StreamId id) override;
  void OnGoAway(http2::StreamId last, http2::ErrorCode code) override;
  void OnPong(uint64_t opaque) override;

  Http2Stream* Find(http2::StreamId id);
  void Remove(http2::StreamId id);
  void CutAll(bool by_peer);
  // Its last stream has ended, at that time.
  void ArmIdle(base::MonoTime since);
  // A head that has begun must end in time; it blocks every other stream meanwhile.
  void WatchHead();
  // Begins to leave: the first GOAWAY, and the last one drain_timeout later.
  void Leave();
  void LeaveNow();
  void ArmKeepalive();
  void OnKeepalive();

  http2::ServerSession session_;
  absl::flat_hash_map<http2::StreamId, std::unique_ptr<Http2Stream>> streams_;
  http2::StreamId unfinished_head_ = 0;          // The stream begun last, while it has no head.
  std::optional<event::Timer> leave_timer_;      // max_connection_duration, then drain_timeout.
  std::optional<event::Timer> keepalive_timer_;  // The next PING, or the answer to the last.
  base::MonoTime idle_deadline_ = 0;             // Since the last stream ended.
  uint64_t pings_ = 0;
  Leaving leaving_ = Leaving::kServing;
  bool wants_leave_ = false;  // At the end of the turn: the session may be at work.
  bool awaiting_pong_ = false;
  bool broken_ = false;  // The session has given up; its GOAWAY is to be sent.
};

}  // namespace proxenos::downstream
