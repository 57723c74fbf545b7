// Http1Connection: one downstream HTTP/1.1 connection: one stream after another. Room 4 of a
// request.
//
// Between requests it has neither stream, codec state nor buffers.
//
// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
#pragma once

#include <memory>

#include "source/downstream/http1_stream.h"
#include "source/downstream/http_connection.h"

namespace proxenos::downstream {

class Http1Connection final : public HttpConnection {
 public:
  // With `may_be_http2` the first bytes tell; those of HTTP/2 hand the connection on.
  Http1Connection(HttpService& service, Arrival arrival, bool may_be_http2);
  ~Http1Connection() override;

  void Drain(bool now) override;
  bool idle() const override { return stream_ == nullptr || !stream_->stream().has_head(); }

  void RearmTimers() override;
  void AddHeavyStreams(HeavyStreams& into) override;

  // For its stream.
  void OnStreamBegin();
  // The response is complete, or the stream aborted: ends the stream; `close`: and the connection.
  void EndStream(bool close, bool abort);
  // Reads on when the stream has room again.
  void WantRead();

 private:
  bool WantsBytes() const override;
  bool Receive(buffer::Slice bytes) override;
  void OnUnreadEnd() override;
  void OnPeerEnd(bool error) override;
  void OnFlushed() override;
  void OnOpenTimer() override;
  void CutStreams(bool by_peer) override;
  bool AbortsDispatch(const base::Overload& overload) override;

  // Whether `bytes`, the first, are HTTP/1: else they are held, or gone with the connection.
  bool IsHttp1(buffer::Slice& bytes);
  void CountConnection();
  // Not while the client leaves the answers that it has got untaken: those without a body wait for
  // no room, and would pile up.
  bool MayBeginNext() const { return Room() > 0; }
  // Idle since then: until idle_timeout or max_connection_duration.
  void ArmIdle(base::MonoTime since);

  std::unique_ptr<Http1Stream> stream_;
  bool undecided_;
};

}  // namespace proxenos::downstream
