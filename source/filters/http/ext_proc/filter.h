// ExtProc: lets an external processor see parts of requests and responses and change them, over one
// gRPC stream for each of ours.
//
// A part that the processor is asked about is held until it has answered; a body that it wants
// whole is shown while its head is held. A body in both directions at once (FULL_DUPLEX_STREAMED)
// is taken out of the message as it comes, and what the processor makes of it is put in behind the
// filter. What the processor does (an answer, silence, an end) only wakes the filter; OnWake acts
// on it. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>

#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ext_proc/message.h"
#include "source/filters/http/ext_proc/session.h"
#include "source/filters/http/ext_proc/settings.h"

namespace proxenos::filters::ext_proc {

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
  void OnComplete() override;

 private:
  // One direction.
  struct Way {
    std::optional<Part> asked;            // What the processor is to answer.
    bool end = false;                     // Nothing follows what is held.
    buffer::Buffer* body = nullptr;       // That is held, of Part::kBody.
    http::HeaderMap* trailers = nullptr;  // That are held.
    std::optional<event::Timer> deadline;
    bool late = false;         // The deadline has passed.
    bool extended = false;     // By override_message_timeout, once for each question.
    bool shown_whole = false;  // The body was shown with its head.
    bool attributes_told = false;
    bool body_next = false;  // It was, before the head's answer: one about it follows.
    // What the processor sends in the place of a body that is still coming, until it is passed on.
    std::optional<std::string> replacement;
    bool drops = false;  // Whatever comes of the body is not passed on.

    // Of Mode::Body::kDuplex.
    bool took = false;            // Bytes are with the processor, who is to give them back,
    bool got_end = false;         // and has, all of them.
    bool stalled = false;         // The processor is slow to take.
    bool trailers_shown = false;  // And are to be answered,
    std::optional<HeaderMutation> trailers_answer;  // by this.
    buffer::Buffer pieces;                          // Of the processor's, that wait.
  };

  bool active() const { return !off_ && !over_; }
  Mode::Body body_mode(filter::Direction direction) const {
    return mode_.body[static_cast<int>(direction)];
  }
  bool duplex(filter::Direction direction) const {
    return body_mode(direction) == Mode::Body::kDuplex;
  }
  filter::BodyNeed NeedOf(filter::Direction direction, const filter::BodyNeed& declared) const;
  filter::Verdict Head(filter::Direction direction, bool end);
  filter::Verdict Body(filter::Direction direction, buffer::Buffer& body, bool end);
  filter::Verdict Trailers(filter::Direction direction, http::HeaderMap& trailers);
  // Of a message that has been replaced: its pieces are dropped, its trailers emptied.
  void PassReplacement(Way& way, buffer::Buffer& body);

  // Questions. False: the stream could not be had, and is over.
  bool Send(const std::string& message);
  bool Ask(filter::Direction direction, Part part, const std::string& message);
  // The processor is to answer within its time.
  void Expect(filter::Direction direction, Part part);
  void ArmDeadline(filter::Direction direction, base::Nanos within);
  bool AskAboutWholeBody(filter::Direction direction);
  // observability_mode
  void Show(const std::string& message);
  bool StartCall();
  rpc::CallOptions OptionsOfRoute() const;
  void OnProgress() { stream_.Wake(*this); }

  // Bodies that are shown before the head is answered, or given back at the processor's own pace.
  void AwaitHeldBody(filter::Direction direction);
  void ShowHeldBody(filter::Direction direction);
  filter::Verdict TakeBody(filter::Direction direction, buffer::Buffer& body, bool end);
  filter::Verdict TakeTrailers(filter::Direction direction, http::HeaderMap& trailers);
  void ActOnPiece(Way& way, Answer& answer);
  void GiveBack(filter::Direction direction);
  bool Unfinished() const;
  // Bytes of the message were taken and are not given back.
  bool Lost() const;

  // Answers.
  void ReadAnswers();
  void ActOnEnd(rpc::Status status);
  void Act(Answer answer);
  void ActOnHead(Way& way, Answer& answer);
  void Extend(base::Nanos timeout);
  bool MayChoose(const Mode& mode) const;
  void ApplyMutation(const HeaderMutation& mutation, filter::Direction direction,
                     http::HeaderMap* trailers);
  void ApplyChange(const filter::HeaderChange& change, filter::Direction direction,
                   http::HeaderMap* trailers);
  void Reject();
  // Sets a body in the place of another, and what the head says of its length.
  void ReplaceBody(filter::Direction direction, buffer::Buffer& body, const std::string& with);
  void ForgetLength(filter::Direction direction);
  // A body whose pieces the processor may change has no length that is known with its head.
  void LetHeadGo(filter::Direction direction);
  void Immediate(const Answer::Immediate& immediate);
  void KeepMetadata(json::Object metadata);
  void LetGo(filter::Direction direction);
  // The processor is of no more use: everything goes on, or the request is refused.
  void Fail(absl::string_view details);
  void Fail(absl::string_view details, uint16_t status);
  // The stream itself is broken.
  void Break(absl::string_view details);
  // It has answered what it was not asked.
  void RefuseSpurious();
  void End();
  filter::Parts& Incoming(filter::Direction direction) {
    return direction == filter::Direction::kRequest ? stream_.request_in : stream_.response_in;
  }
  http::Framing& FramingOf(filter::Direction direction) {
    return direction == filter::Direction::kRequest ? stream_.request.framing
                                                    : stream_.response.framing;
  }
  http::HeaderMap& HeadersOf(filter::Direction direction) {
    return direction == filter::Direction::kRequest ? stream_.request.headers
                                                    : stream_.response.headers;
  }
  Way& way(filter::Direction direction) { return ways_[static_cast<int>(direction)]; }
  // For the message that goes to the processor next.
  Asker MakeAsker(filter::Direction direction);
  template <typename Counter>
  void Count(Counter ExtProcStats::*counter) {
    if (part_ != nullptr) ((*part_->stats).*counter).Inc();
  }

  const Settings& settings_;
  filter::StreamContext& stream_;
  ExtProcPart* const part_;           // May be null.
  const RouteSettings* const route_;  // May be null.
  const rpc::GrpcService* service_;
  const std::vector<std::string>* forwarded_;
  const std::vector<std::string>* received_;
  Mode mode_;
  bool failure_allowed_;
  bool off_ = false;       // By the route.
  bool over_ = false;      // No more is asked.
  bool spurious_ = false;  // Its last answer, which counts as nothing else.
  std::unique_ptr<Session> session_;
  Way ways_[2];
};

// What a body may have that is to be seen whole: a connection's buffer in Envoy.
inline constexpr uint32_t kMaxBufferedBytes = 1024 * 1024;

}  // namespace proxenos::filters::ext_proc
