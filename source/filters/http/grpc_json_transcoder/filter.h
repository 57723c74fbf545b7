// GrpcJsonTranscoder: requests in JSON become calls of gRPC services, by the rules that stand in
// their descriptors (google.api.http), and what the services answer becomes JSON.
//
// A request waits until its body is whole; so does the answer of a method that gives one message.
// The messages of a stream go on one by one, as elements of an array, or as lines or events.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/grpc_json_transcoder/settings.h"
#include "source/filters/http/grpc_json_transcoder/translation.h"
#include "source/rpc/frame.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_json_transcoder {

class GrpcJsonTranscoder final : public filter::HttpFilter {
 public:
  GrpcJsonTranscoder(const Settings& settings, const filter::FilterFactory& factory,
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

 private:
  bool called() const { return matched_ != nullptr; }
  // The response is one of the service's, to be made JSON.
  bool translates() const;
  // `details` are static.
  filter::Verdict Refuse(uint16_t status, absl::string_view why, absl::string_view details);
  // Appends the call's messages to `out`, of what has come of the body. False: it was refused.
  bool MakeFrames(buffer::Buffer& out, absl::string_view details);
  // The request's head becomes that of the call.
  void BecomeCall(http::RequestHead& head);
  // The one message that the response has, with its head.
  filter::Verdict ShowWhole(http::ResponseHead& head, bool end);
  // What an error of gRPC is in HTTP; true: `body` was made of it.
  bool ShowStatus(const http::HeaderMap& told, http::ResponseHead& head, std::string* body);
  // A stream of HttpBody has the type that its first message says, for which the head waits. False:
  // that is not all there.
  bool TakeTypeOfFirst();
  // Appends what a message of a stream is. False: it is broken.
  bool ShowNext(absl::string_view message, buffer::Buffer& out);
  void ShowEnd(buffer::Buffer& out);
  // Appends to `out` what the next messages of `from` are, as many as one turn may make. False: one
  // of them is broken.
  bool ShowSome(buffer::Buffer& from, buffer::Buffer& out);

  filter::StreamContext& stream_;
  const Settings* settings_;
  std::unique_ptr<const Matched> matched_;  // Null: the request is none of ours.
  std::string content_type_;                // Of the request.
  buffer::Buffer asked_;                    // Its body: filters before may pass it on in pieces.
  bool begun_ = false;                      // Its head is that of a call.
  bool streams_ = false;                    // The response is a stream under way.
  bool awaits_first_ = false;               // The head waits for the first message.
  bool first_ = true;                       // None of its messages has been shown.
  rpc::FrameDecoder decoder_;

  // A piece of the response with more messages than one turn may make.
  struct Rest {
    Rest(event::TimerWheel& timers, absl::AnyInvocable<void()> wake)
        : next_turn(timers, std::move(wake)) {}
    buffer::Buffer from;
    buffer::Buffer shown;  // What became of it so far, but for what has been passed on.
    buffer::Buffer* held;  // In hand, and empty.
    bool end = false;
    bool passed_on = false;  // Some of it went past what is in hand.
    bool complete = false;   // All of it is shown.
    event::Timer next_turn;
  };
  std::unique_ptr<Rest> rest_;  // Null: there is none.
};

}  // namespace proxenos::filters::grpc_json_transcoder
