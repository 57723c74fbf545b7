// HttpFilter: what a filter is, and FilterFactory: how the configured chain makes one per stream.
//
// A filter overrides the calls it needs. It is called by the stream's pump and by nobody else, one
// part of the message at a time, request parts first to last and response parts last to first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/rc.h"
#include "source/base/recycled_by_size.h"
#include "source/buffer/buffer.h"
#include "source/filter/environment.h"
#include "source/http/message.h"
#include "source/route/filter_override.h"
#include "source/stats/registry.h"

namespace proxenos::access_log {
class LogWriter;
}
namespace proxenos::config {
class Errors;
}

namespace proxenos::filter {

class StreamContext;

enum class Direction : uint8_t { kRequest = 0, kResponse = 1 };

enum class Verdict : uint8_t {
  kContinue,  // The part goes on to the next filter.
  kPause,     // The part stays until StreamContext::Resume; its source is not read meanwhile.
  kReplied,   // StreamContext::Reply was called: the request goes no further.
};

// What a filter wants of bodies, declared when it is configured: buffering is never asked for in
// mid-message.
enum class BodyMode : uint8_t {
  kNone,    // Not called with bodies.
  kStream,  // Called with each piece as it comes.
  kBuffer,  // Called, head included, once the whole body is there: 413 or 500 above the limit.
  kBegin,   // Called, head included, once the whole body or `limit` bytes of it are there; what it
            // sees of the body then is still in request_in (or response_in). Else as kNone.
};

struct BodyNeed {
  BodyMode mode = BodyMode::kNone;
  uint32_t limit = 0;  // Bytes, of kBuffer and kBegin.
  // Of kStream: what waits for a filter behind it passes through this one first. For one that makes
  // of a body what the others are to look at.
  bool runs_ahead = false;
};

// Owner: the FilterChain of one stream. Thread: the stream's worker. Dies with the stream, after
// OnComplete; its waits are member handles whose destructors cancel.
class HttpFilter : public base::RecycledBySize<HttpFilter> {
 public:
  virtual ~HttpFilter() = default;

  // What this filter wants of the message at hand, asked once its head is there (a request's: when
  // the chain is made) and before any filter sees it; `declared` is what its factory says.
  virtual BodyNeed RequestBodyNeed(const BodyNeed& declared) const { return declared; }
  virtual BodyNeed ResponseBodyNeed(const BodyNeed& declared) const { return declared; }

  // `end`: nothing follows the head.
  virtual Verdict OnRequestHeaders(http::RequestHead& head, bool end);
  // May change or take bytes of `body`; `end`: nothing follows, not even trailers.
  virtual Verdict OnRequestBody(buffer::Buffer& body, bool end);
  virtual Verdict OnRequestTrailers(http::HeaderMap& trailers);

  virtual Verdict OnResponseHeaders(http::ResponseHead& head, bool end);
  virtual Verdict OnResponseBody(buffer::Buffer& body, bool end);
  virtual Verdict OnResponseTrailers(http::HeaderMap& trailers);

  // Called by the pump after StreamContext::Wake(*this): an asynchronous filter's waits set state
  // and wake; what follows from it happens here.
  virtual void OnWake() {}

  // The stream is being answered locally (by whichever filter): no other response may come.
  virtual void OnLocalReply() {}

  // The stream is over, whatever ended it. Called exactly once, before destruction.
  virtual void OnComplete() {}

  // The last filter of a chain: it takes the request's parts out of the chain for good, and
  // deposits the response in StreamContext::response_in.
  virtual bool terminal() const { return false; }

 private:
  friend class FilterChain;
  friend class StreamContext;
  bool woken_ = false;
  bool resumed_[2] = {false, false};  // By Direction.
};

// Whether a filter sees a message at all, asked once its head reaches the filter: a configured
// filter may have one (ExtensionWithMatcher). Owner: the FilterFactory. Thread: any (immutable).
class FilterGate {
 public:
  enum class Answer : uint8_t {
    kRun,
    kSkip,     // Neither the rest of the request nor the response is shown to it.
    kUnknown,  // It is, until the response's head tells more.
    kRefuse,   // Nobody can say: the message is answered with 500.
  };
  virtual ~FilterGate() = default;
  // `direction`: of the head that is at hand.
  virtual Answer Ask(StreamContext& stream, Direction direction) const = 0;
  // The same, once that head has come to the filter: what is said of it now is said for good.
  virtual Answer Decide(StreamContext& stream, Direction direction) const {
    return Ask(stream, direction);
  }
};

// What a configured filter keeps on one worker for all streams: stats and the like. Owner: the
// worker's parts of the filter chain (downstream::FilterSet). Thread: the worker's.
class WorkerPart : public base::RefCounted {
 public:
  virtual ~WorkerPart() = default;
  // Called once, before any stream: for what the filter does on its own, such as fetching keys.
  virtual void Start(const Environment&) {}
};
using WorkerParts = std::vector<base::Rc<WorkerPart>>;

// One configured filter. Owner: the listener's compiled configuration, shared by all workers.
class FilterFactory {
 public:
  virtual ~FilterFactory() = default;

  // Makes the filter of one stream.
  virtual std::unique_ptr<HttpFilter> Create(StreamContext& stream) const = 0;
  // Made once for each worker; null: it keeps nothing. StreamContext::worker_part gives it.
  virtual std::unique_ptr<WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string& stat_prefix) const;

  // Opens the logs that its configuration names, before the first filter is made. A null `writer`:
  // nothing is written, the configuration is only looked at.
  virtual void OpenLogs(access_log::LogWriter* writer, config::Errors& errors);

  uint32_t index = 0;  // Among the filters of the connection manager.

  BodyMode request_body = BodyMode::kNone;
  BodyMode response_body = BodyMode::kNone;
  uint32_t buffer_limit = 0;  // Bytes, of kBuffer.
  route::FilterName name;     // HttpFilter.name, for per-route configuration and logs.
  // Of its typed_per_filter_config; null: there is no such thing.
  const route::OverrideKind* override_kind = nullptr;
  bool disabled = false;  // Only where a route enables it.
  // Stands between the router and a cluster's hosts: `stat_prefix` is the cluster's name.
  bool upstream = false;
  std::unique_ptr<const FilterGate> gate;  // Null: it sees all messages.
};

}  // namespace proxenos::filter
