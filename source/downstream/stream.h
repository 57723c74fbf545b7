// Stream: one request and its response: the pump. Room 5 of a request.
//
// Everything that happens to a stream (bytes, timers, upstream events, resumes) sets state and
// makes it runnable; Pump, and nothing else, advances it. It ends in one place:
// HttpConnection::EndStream.
//
// Owner: its HttpConnection. Thread: the worker's. Dies when: the connection retires it.
#pragma once

#include <optional>

#include "source/base/rc.h"
#include "source/downstream/http_config.h"
#include "source/event/timer_wheel.h"
#include "source/filter/filter_chain.h"
#include "source/filter/stream_context.h"
#include "source/http1/decoder.h"
#include "source/http/visitor.h"

namespace proxenos::downstream {

class HttpConnection;

class Stream final : public filter::StreamContext, public http::RequestVisitor {
 public:
  explicit Stream(HttpConnection& connection);
  ~Stream() override;

  // Feeds bytes of this request's message to the decoder, then pumps. On return `bytes` is what was
  // not consumed.
  http1::DecodeResult Receive(buffer::Slice& bytes);
  // The peer ended its direction: finishes a tunnel's request side. False: a message was cut short.
  bool OnPeerEnd();
  // Advances whatever can be advanced. event::Runnable.
  void Run() override;

  // The request was refused by the codec or a timeout before it was complete.
  void Refuse(uint16_t status, absl::string_view body, absl::string_view details, uint32_t flags);

  bool has_head() const { return has_head_; }
  bool request_complete() const { return request_complete_; }
  bool response_complete() const { return response_complete_; }
  bool tunnel() const { return tunnel_; }
  // Request bytes held on their way: what the read interest is computed from.
  uint64_t held_bytes() const { return request_in.body.size() + request_out.body.size(); }
  // Whether more of the request may be read.
  bool has_room() const { return held_bytes() < body_limit(filter::Direction::kRequest); }
  // The end of the response is the end of the connection: a cut must not look like it.
  bool response_until_close() const { return response_framing_ == http::Framing::kUntilClose; }

  absl::string_view FormatValue(uint32_t index) override;
  // Writes the access log; the last look at the stream.
  void Log();
  // Tells the filters that it is over.
  void Complete();

 private:
  // http::RequestVisitor: deposits.
  http::RequestHead& OnMessageBegin() override;
  void OnHead(buffer::Slice head) override;
  void OnBody(buffer::Slice data) override;
  http::HeaderMap& OnTrailersBegin() override;
  void OnTrailers(buffer::Slice bytes) override;
  void OnComplete() override;

  // The head is complete: normalise, route, make the chain.
  void Begin();
  bool NormalizeRequest();
  bool AllowTunnel();
  void ChooseRoute();
  void ArmTimers();
  bool PumpOnce();
  bool StartLocalReply();
  // Hands response parts to the codec as far as the connection has room. True when any went.
  bool Encode();
  void EncodeHead();
  bool EncodeBody();
  void EncodeEnd();
  void FireDeadline(base::MonoTime now);
  void OnTimer();

  HttpConnection& connection_;
  http1::RequestDecoder decoder_;
  std::optional<filter::FilterChain> chain_;
  base::Held<RouteSnapshot> snapshot_;  // Pins `routes`.
  event::Timer timer_;                  // At the earliest of the deadlines below.
  base::MonoTime idle_deadline_ = base::kNever;
  base::MonoTime request_deadline_ = base::kNever;
  base::MonoTime duration_deadline_ = base::kNever;
  base::Nanos idle_timeout_ = 0;
  buffer::Slice head_bytes_;
  buffer::Slice trailer_bytes_;
  http::Framing::Kind response_framing_ = http::Framing::kNone;
  bool has_head_ = false;
  bool needs_begin_ = false;
  bool request_complete_ = false;
  bool response_complete_ = false;
  bool tunnel_ = false;
  bool upgrade_counted_ = false;  // In the gauge of upgrades under way.
  bool pumping_ = false;
  bool close_after_ = false;
  bool over_ = false;  // Ended or cut: what was scheduled before comes to nothing.
};

}  // namespace proxenos::downstream
