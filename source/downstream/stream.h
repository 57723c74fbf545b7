// Stream: one request and its response: the pump. Room 5 of a request.
//
// Everything that happens to a stream (bytes, timers, upstream events, resumes) sets state and
// makes it runnable; Run, and nothing else, advances it. It ends in one place: StreamCarrier::End.
//
// Owner: its carrier (Http1Stream, Http2Stream), which knows the protocol. Thread: the worker's.
// Dies when: the connection retires the carrier.
#pragma once

#include <memory>
#include <optional>

#include "source/base/rc.h"
#include "source/downstream/http_config.h"
#include "source/downstream/http_service.h"
#include "source/event/timer_wheel.h"
#include "source/filter/filter_chain.h"
#include "source/filter/log_notes.h"
#include "source/filter/stream_context.h"
#include "source/http/codec.h"
#include "source/http/visitor.h"

namespace proxenos::downstream {

class HttpConnection;
struct LocalReplies;
class StreamCarrier;

class Stream final : public filter::StreamContext, public http::RequestVisitor {
 public:
  // What follows a deposit of the codec: whoever feeds it runs the stream, or, where one codec
  // serves many streams, the loop does.
  enum class Deposits : uint8_t { kRunByCarrier, kSchedule };

  Stream(HttpConnection& connection, StreamCarrier& carrier, Deposits deposits);
  ~Stream() override;

  // Advances whatever can be advanced. event::Runnable.
  void Run() override;

  // The request was refused by the codec or a timeout before it was complete.
  void Refuse(uint16_t status, absl::string_view body, absl::string_view details, uint32_t flags);
  void RefuseMessage(http::CodecError error);

  bool has_head() const { return has_head_; }
  bool request_complete() const { return request_complete_; }
  bool response_complete() const { return response_complete_; }
  bool tunnel() const { return tunnel_; }
  // Request bytes held on their way: what the read interest is computed from.
  uint64_t held_bytes() const {
    return request_in.body.size() + request_out.body.size() +
           (chain_ ? chain_->held(filter::Direction::kRequest) : 0);
  }
  // Whether more of the request may be read.
  bool has_room() const { return held_bytes() < body_limit(filter::Direction::kRequest); }
  // Of both bodies, on their way.
  uint64_t buffered_bytes() const {
    return held_bytes() + response_in.body.size() + response_out.body.size() +
           (chain_ ? chain_->held(filter::Direction::kResponse) : 0);
  }
  // The overload manager has changed how long timeouts are.
  void RearmTimers();
  // Ended or cut: nothing more happens to it.
  bool over() const { return over_; }

  absl::string_view FormatValue(uint32_t index) override;
  void SendInformational(const http::ResponseHead& head) override;
  void Reroute() override;

  // For the carrier, once: the stream is over, with its response or without: counts, logs, and
  // tells the filters. What was scheduled before comes to nothing.
  void Finish();
  // The same for a stream whose connection closes under it.
  void Cut(bool by_peer);

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
  // A request that was refused before it had a chain gets one that is empty.
  void BeginWithoutFilters();
  bool NormalizeRequest();
  // Answers Expect: 100-continue, or leaves that to the origin.
  void TellToGoOn();
  // The rules on forwarded headers, and who the client is; false: it was answered.
  bool TakeOrigin();
  // Whether the process is too busy for it: then it is answered.
  bool RefusedBy(const base::Overload& overload);
  bool AllowTunnel();
  void RefuseUpgrade();
  void ChooseRoute();
  // What RerouteAfresh asks for.
  void TakeNewestRoutes(const Afresh& wanted);
  // Looks the route up; false: none matches.
  bool MatchRoute();
  void DrawByHash(const route::Forward& forward);
  // The route is known: its trace begins.
  void BeginTrace();
  void ArmTimers();
  // Gives it notes, once.
  void OpenNotes();
  void OnDeposit() {
    if (deposits_ == Deposits::kSchedule) environment.loop.Schedule(this);
  }
  bool PumpOnce();
  bool StartLocalReply();
  void RewordReply(const LocalReplies& rules, bool grpc);
  void Log(access_log::LogType type);
  // Hands response parts to the codec as far as the connection has room. True when any went.
  bool Encode();
  void EncodeHead();
  bool EncodeBody();
  void EncodeEnd();
  void FireDeadline(base::MonoTime now);
  // Of the stream idle timeout: kNever without one.
  base::MonoTime IdleDeadline() const;
  // The earliest of the deadlines.
  base::MonoTime NextDeadline() const;
  void OnTimer();

  HttpConnection& connection_;
  StreamCarrier& carrier_;
  const Deposits deposits_;
  const base::Rc<FilterSet> filters_;        // As they were when the stream began.
  std::unique_ptr<filter::LogNotes> notes_;  // Null: no format asks for them. Outlives the chain.
  std::optional<filter::FilterChain> chain_;
  base::Held<RouteSnapshot> snapshot_;  // Pins `routes`.
  base::Held<RouteSnapshot> former_;    // The one before RerouteAfresh: filters refer to it.
  std::unique_ptr<tracing::StreamTrace> trace_;  // Null: nobody traces it.
  uint64_t drawn_ = 0;  // What `random` was before a hash took its place; 0: it has not.
  event::Timer timer_;  // At the earliest of the deadlines.
  base::MonoTime idle_since_ = 0;
  base::MonoTime request_deadline_ = base::kNever;
  base::MonoTime duration_deadline_ = base::kNever;
  base::MonoTime log_deadline_ = base::kNever;  // Of the next entry of access logs on the way.
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
  bool continue_sent_ = false;
  bool pumping_ = false;
  bool over_ = false;
};

}  // namespace proxenos::downstream
