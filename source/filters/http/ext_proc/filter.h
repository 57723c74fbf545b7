// ExtProc: lets an external processor see parts of requests and responses and change them, over one
// gRPC stream for each of ours.
//
// A part that the processor is asked about is held until it has answered; a body that it wants
// whole is shown while its head is held. What the processor does (an answer, silence, an end) only
// wakes the filter; OnWake acts on it. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>

#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ext_proc/message.h"
#include "source/filters/http/ext_proc/settings.h"
#include "source/rpc/call.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::ext_proc {

// Scope: "ext_proc." below HttpScope, with the filter's stat_prefix. One group a worker.
#define PX_EXT_PROC_STATS(X)         \
  X(Counter, streams_started)        \
  X(Counter, stream_msgs_sent)       \
  X(Counter, stream_msgs_received)   \
  X(Counter, spurious_msgs_received) \
  X(Counter, streams_closed)         \
  X(Counter, streams_failed)         \
  X(Counter, failure_mode_allowed)   \
  X(Counter, message_timeouts)       \
  X(Counter, rejected_header_mutations)
PX_STATS(ExtProcStats, PX_EXT_PROC_STATS);

struct ExtProcPart final : public filter::WorkerPart {
  stats::Group<ExtProcStats> stats;
};

class ExtProc final : public filter::HttpFilter {
 public:
  ExtProc(const Settings& settings, const filter::FilterFactory& factory,
          filter::StreamContext& stream);

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override;

 private:
  // One direction.
  struct Way {
    std::optional<Part> asked;            // What the processor is to answer.
    bool end = false;                     // Nothing follows what is held.
    buffer::Buffer* body = nullptr;       // That is held, of Part::kBody.
    http::HeaderMap* trailers = nullptr;  // That are held.
    std::optional<event::Timer> deadline;
    bool shown_whole = false;  // The body was shown with its head.
    // What the processor sends in the place of a body that is still coming, until it is passed on.
    std::optional<std::string> replacement;
    bool drops = false;  // Whatever comes of the body is not passed on.
  };

  bool active() const { return !off_ && !over_; }
  filter::BodyNeed NeedOf(filter::Direction direction, const filter::BodyNeed& declared) const;
  filter::Verdict Head(filter::Direction direction, bool end);
  filter::Verdict Body(filter::Direction direction, buffer::Buffer& body, bool end);
  filter::Verdict Trailers(filter::Direction direction, http::HeaderMap& trailers);
  // Of a message that has been replaced: its pieces are dropped, its trailers emptied.
  void PassReplacement(Way& way, buffer::Buffer& body);
  // Sends a question; false: the stream could not be had, and is over.
  bool Ask(filter::Direction direction, Part part, const std::string& message);
  bool AskAboutWholeBody(filter::Direction direction);
  bool StartCall();
  void OnProgress() { stream_.Wake(*this); }
  void ReadAnswers();
  void Act(Answer answer);
  void ActOnHead(Way& way, Answer& answer);
  void ApplyMutation(const HeaderMutation& mutation, filter::Direction direction,
                     http::HeaderMap* trailers);
  // Sets a body in the place of another, and what the head says of its length.
  void ReplaceBody(filter::Direction direction, buffer::Buffer& body, const std::string& with);
  void ForgetLength(filter::Direction direction);
  void Immediate(const Answer::Immediate& immediate);
  void KeepMetadata(json::Object metadata);
  void LetGo(filter::Direction direction);
  // The processor is of no more use: everything goes on, or the request is refused.
  void Fail(absl::string_view details);
  void Fail(absl::string_view details, uint16_t status);
  void End();
  filter::Parts& Incoming(filter::Direction direction) {
    return direction == filter::Direction::kRequest ? stream_.request_in : stream_.response_in;
  }
  Way& way(filter::Direction direction) { return ways_[static_cast<int>(direction)]; }
  template <typename Counter>
  void Count(Counter ExtProcStats::*counter) {
    if (part_ != nullptr) ((*part_->stats).*counter).Inc();
  }

  const Settings& settings_;
  filter::StreamContext& stream_;
  ExtProcPart* const part_;  // May be null.
  const rpc::GrpcService* service_;
  Mode mode_;
  bool failure_allowed_;
  bool off_ = false;   // By the route.
  bool over_ = false;  // No more is asked.
  bool timed_out_ = false;
  std::unique_ptr<rpc::Call> call_;
  Way ways_[2];
};

}  // namespace proxenos::filters::ext_proc
