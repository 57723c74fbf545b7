// StreamContext: what a filter sees of its stream: the message in both directions, the route, what
// the access log will say, and the marks by which a filter makes the pump do something.
//
// A mark returns at once and calls nobody: the pump acts on it later in the same turn. So a filter
// may resume or wake from anywhere, and nothing it holds can vanish under its feet.
//
// Owner: it is the base of downstream::Stream. Thread: the stream's worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/base/limits.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/route/route_table.h"
#include "source/runtime/snapshot.h"
#include "source/stats/http_stats.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::tracing {
class StreamTrace;
}

namespace proxenos::filter {

// One direction's message at one place of its way. The head lives in the context; `head` says that
// it is there.
struct Parts {
  bool head = false;
  bool end = false;                     // The message is complete.
  buffer::Buffer body;                  // What has come and not yet gone on.
  http::HeaderMap* trailers = nullptr;  // In the arena.
};

struct RedirectErrand;  // Of the filter alone that set it.

// The internal redirects that a request has followed, and the one it is to follow next.
struct InternalRedirects {
  // Names of the routes that a redirect came from and led to.
  struct Step {
    std::string from;
    std::string to;
  };
  std::vector<Step> steps;
  bool pending = false;  // The request, as it now is, begins anew once the caller has returned,
  buffer::Buffer body;   // with this body, which is complete.
  // The policy by which a filter has another response fetched, which may be in the place of a local
  // reply, and the status that there was; null: none. It lives where the filter's configuration or
  // the route's does.
  const RedirectErrand* errand = nullptr;
  uint16_t errand_status = 0;
};

class StreamContext : public event::Runnable {
 public:
  using Environment = filter::Environment;

  StreamContext(const Environment& lent, stats::HttpStats& stats)
      : environment(lent), http_stats(stats), request(arena), response(arena), info(own_info_) {}
  StreamContext(const StreamContext&) = delete;
  StreamContext& operator=(const StreamContext&) = delete;

  const Environment& environment;
  stats::HttpStats& http_stats;
  buffer::Arena arena;  // First of the members that use it, last to die.
  http::RequestHead request;
  http::ResponseHead response;
  StreamInfo& info;                       // Its own, or that of the stream which it is a part of.
  tracing::StreamTrace* trace = nullptr;  // Null: nobody traces it.

  // From the codec; to the terminal filter; from it; to the codec.
  Parts request_in;
  Parts request_out;
  Parts response_in;
  Parts response_out;

  // The table the stream was routed by, which it pins, and what that chose; null before routing
  // and, but for the table, when nothing matched.
  const route::RouteTable* routes = nullptr;
  const route::Route* route = nullptr;

  route::MatchInput match_input() const {
    return {request, random, request.scheme == "https", internal, environment.runtime, &info};
  }

  std::unique_ptr<InternalRedirects> internal_redirects;  // Null: none so far.

  // By FilterFactory::index; shorter where nobody made them.
  absl::Span<const base::Rc<WorkerPart>> worker_parts;
  // What the filter keeps on this worker, or null.
  WorkerPart* worker_part(const FilterFactory& factory) const {
    return factory.index < worker_parts.size() ? worker_parts[factory.index].get() : nullptr;
  }

  uint64_t random = 0;                // One draw per stream, for weights and fractions.
  bool internal = false;              // The client is one of ours: x-envoy-internal says so.
  bool wants_upstream_local = false;  // Some access log shows the upstream's local address.
  // The request's scheme becomes that of the connection which it is sent on.
  bool scheme_of_upstream = false;
  // The terminal filter holds response bytes for which response_in had no room.
  bool response_held_back = false;
  // The downstream connection takes no request after this one: read when the response's head goes.
  bool drains_connection = false;

  // What a filter adds to the message whose part it is called with: behind a head that is the end
  // (also AddTrailers), or before trailers. Filters that have seen the end do not see it.
  buffer::Buffer added_body;
  // Trailers for a message that has none, to be filled by the caller: in a filter's call with the
  // end of the message, or while the whole of it waits (BodyMode::kBuffer).
  http::HeaderMap& AddTrailers(Direction direction);

  // Puts bytes into the body of `direction` behind `filter`, at any time: filters before it do not
  // see them. They go on once the head has, past whatever part the filter holds; then it is woken.
  // REQUIRES: !injecting(filter, direction).
  void Inject(HttpFilter& filter, Direction direction, buffer::Buffer bytes);
  // Whether what it put there still waits.
  bool injecting(const HttpFilter& filter, Direction direction) const;

  // What the bytes of the response's head (and trailers) live in, for as long as the stream does.
  buffer::Slice response_head_bytes;
  buffer::Slice response_trailer_bytes;

  // Renders format `index` of `routes` for this stream; the result lives in the arena.
  virtual absl::string_view FormatValue(uint32_t index) = 0;

  // Passes a 1xx head (other than 101) on to the client, at once, as it is; nothing of it is kept.
  // It is dropped where it may not go: behind a response, a second 100, to an HTTP/1.0 client.
  virtual void SendInformational(const http::ResponseHead& head) = 0;

  // Chooses the route anew, by the request as filters have made it (clear_route_cache). What
  // filters took from the route that was chosen before stays valid. No-op once the request has gone
  // on.
  virtual void Reroute() = 0;

  // Chooses the route anew in the newest table, for `filter`, which holds the request's head back
  // and which `factory` made: discovery has brought what it lacked. Filters behind it see the head
  // as if they were made now; those before it keep what they were made with. `filter` is woken once
  // it is done. No-op but for the wake once a response has begun, and the second time.
  void RerouteAfresh(HttpFilter& filter, const FilterFactory& factory) {
    afresh_ = Afresh{&filter, &factory};
    environment.loop.Schedule(this);
  }

  // Lets the part at which `filter` paused go on. No-op when it is not `filter` that holds that
  // direction up: who resumes late or twice cannot open a door that another filter keeps shut.
  void Resume(HttpFilter& filter, Direction direction) {
    filter.resumed_[static_cast<int>(direction)] = true;
    resume_[static_cast<int>(direction)] = true;
    environment.loop.Schedule(this);
  }

  // Has the pump call `filter.OnWake()`.
  void Wake(HttpFilter& filter) {
    filter.woken_ = true;
    woken_ = true;
    environment.loop.Schedule(this);
  }

  // For a filter that pauses, or has paused, at the head of `direction`, in a call of its own: it
  // is woken once the body behind that is whole, or more than `limit` bytes of it are there (to be
  // refused), as they wait in `request_in` (or `response_in`). REQUIRES: limit > 0.
  void AwaitBody(Direction direction, uint32_t limit);

  // Answers the request from here, in any of the filter's own calls (OnWake among them): `body`
  // (text/plain) and `details` are static or in the arena. Replaces a response that has not been
  // sent yet; cuts one short that has. The caller may add fields to `response.headers` right after.
  // To a gRPC call it becomes 200 with the grpc-status that stands for `status` and `body` as its
  // grpc-message; who wants another status sets it right after.
  void Reply(uint16_t status, absl::string_view body, absl::string_view details, uint32_t flags);

  // Right after Reply: the answer is one like an origin's (a cache's, a script's), which
  // local_reply_config leaves as it is.
  void KeepReply() { reply_kept_ = true; }

  // Ends the stream and, where the protocol needs it, its connection: nothing sensible can be sent.
  void Abort(absl::string_view details, uint32_t flags);

  // The same for a response that has begun to be sent and whose source broke off: behind all of it
  // that has come, which filters may still hold.
  void BreakOff(absl::string_view details, uint32_t flags);

  // How much of a body may wait in `request_in` or `response_in` before its source is held back: as
  // much as the filter needs that wants to see it whole.
  uint64_t body_limit(Direction direction) const {
    return body_limit_[static_cast<int>(direction)];
  }

  // Whether the request was a gRPC call when it came, whatever filters have made of it.
  bool IsGrpcCall();

  // What was decided once for several filters of the chain, by what they share: a number of the
  // decider's own; null: nothing yet. The chain forgets it when it is made anew.
  const uint32_t* FindChoice(const void* decider) const {
    for (const Choice& each : choices_) {
      if (each.decider == decider) return &each.number;
    }
    return nullptr;
  }
  void Choose(const void* decider, uint32_t number) { choices_.push_back({decider, number}); }

  bool replied() const { return replied_; }
  bool response_sent() const { return response_sent_; }
  bool aborted() const { return aborted_; }
  // What was sent of the response is to reach the client before the stream's abort does.
  bool broken_off() const { return broken_off_; }

 private:
  enum class Grpc : uint8_t { kUnknown, kNo, kYes };
  void FillGrpcReply(absl::string_view message);
  StreamInfo own_info_;
  Grpc grpc_ = Grpc::kUnknown;  // Until the chain is made, or somebody asks.

 protected:
  // A part of `whole`, which outlives it: messages of its own, the rest as `whole` has it.
  explicit StreamContext(StreamContext& whole)
      : environment(whole.environment),
        http_stats(whole.http_stats),
        request(arena),
        response(arena),
        info(whole.info),
        trace(whole.trace),
        routes(whole.routes),
        route(whole.route),
        random(whole.random),
        internal(whole.internal) {}

  struct Choice {
    const void* decider;
    uint32_t number;
  };
  struct Injected {
    HttpFilter* filter;
    Direction direction;
    buffer::Buffer body;
  };
  struct Afresh {
    HttpFilter* filter = nullptr;  // Null: nobody wants another route.
    const FilterFactory* factory = nullptr;
  };

  ~StreamContext() override = default;

  Afresh afresh_;
  bool resume_[2] = {false, false};
  bool woken_ = false;          // Some filter of the chain is.
  bool replied_ = false;        // A local reply took the place of the upstream's response.
  bool reply_pending_ = false;  // The pump has not acted on it yet.
  bool reply_kept_ = false;     // KeepReply was called for it.
  uint8_t replies_ = 0;         // Local replies so far, each in the place of the one before.
  uint16_t reply_status_ = 0;   // What Reply was called with, whatever gRPC has made of it.
  absl::string_view reply_body_;
  bool response_sent_ = false;  // The response head has gone to the codec.
  bool aborted_ = false;
  bool broken_off_ = false;  // Aborted once the response that there is has gone to the codec.
  uint64_t body_limit_[2] = {base::limits::kStreamBufferBytes, base::limits::kStreamBufferBytes};
  std::vector<Injected> injected_;  // At most one of a filter and direction.
  std::vector<Choice> choices_;     // One of a decider.
  uint32_t awaited_[2] = {0, 0};    // The limit that AwaitBody was called with; 0: nobody waits.

  friend class FilterChain;
};

}  // namespace proxenos::filter
