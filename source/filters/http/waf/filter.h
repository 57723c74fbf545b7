// Waf: has requests, and where it is configured responses, inspected by rules before they go on.
//
// A message is held at its head until as much of its body is there as is to be inspected; copies of
// both go to the pool (or to an engine that runs inline), and what comes back only wakes the
// filter: OnWake acts on it. The ticket and the deadline are members, so that a stream that ends
// meanwhile leaves nothing behind. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/waf/settings.h"
#include "source/filters/http/waf/stats.h"

namespace proxenos::filters::waf {

// Names are written from the root on: the generated messages make a namespace
// proxenos::filters::http of their package's name.
class Waf final : public filter::HttpFilter {
 public:
  Waf(const Settings& settings, const filter::FilterFactory& factory,
      filter::StreamContext& stream);
  ~Waf() override;

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(proxenos::http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(proxenos::http::ResponseHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override;

 private:
  // What became of the request; the last that holds.
  enum class Outcome : uint8_t {
    kNone,  // Not inspected: switched off, or it never came so far.
    kPassed,
    kDetected,
    kBlocked,
    kFailedOpen,
    kFailedClosed,
    kTooLarge,
  };
  static const char* NameOf(Outcome outcome);

  void FindRouteSettings(const filter::FilterFactory& factory);
  bool WantsRequestBody() const;
  bool WantsResponseBody() const;
  // Whether it would, were there no content coding.
  bool WantsResponseBodyDecoded() const;
  // What is to be inspected of a body that waits: all of it, or its begin. False: it is too large,
  // and the stream has been answered.
  bool TakeBody(filter::Direction direction, const BodySettings& settings, std::string& body,
                bool& partial);
  // Has the job done, here or in the pool. kPause: its end will wake the filter.
  filter::Verdict Inspect(filter::Direction direction, std::unique_ptr<proxenos::waf::Job> job);
  // Acts on what came of it. kPause is never among the verdicts.
  filter::Verdict Act(std::unique_ptr<proxenos::waf::Job> job);
  filter::Verdict Block(const proxenos::waf::Intervention& intervention);
  filter::Verdict Fail(stats::Counter WafStats::*reason, absl::string_view details);
  void StopWaiting();
  void Conclude(Outcome outcome);
  void KeepMetadata();
  void Audit();

  const Settings& settings_;
  filter::StreamContext& stream_;
  WafPart* const part_;
  // As the route has it.
  proxenos::waf::Mode mode_;
  std::shared_ptr<const proxenos::waf::RuleSet> rules_;  // Null: switched off.
  const RequestSettings* request_;
  const ResponseSettings* response_;  // Null: responses are not inspected.

  // While a message is being inspected.
  std::optional<filter::Direction> waiting_;
  std::optional<proxenos::waf::Ticket> ticket_;
  std::optional<event::Timer> deadline_;
  bool timed_out_ = false;
  std::unique_ptr<proxenos::waf::Job> done_;  // Came back; not acted on yet.

  std::string id_;                                         // Of the transaction.
  std::unique_ptr<proxenos::waf::Inspection> inspection_;  // Between request and response.
  Outcome outcome_ = Outcome::kNone;
  int64_t rule_ = 0;  // That intervened.
  std::optional<int64_t> inbound_score_;
  std::optional<int64_t> outbound_score_;
  std::vector<proxenos::waf::RuleMatch> matches_;
  // Kept for the audit log alone, where there is one.
  std::optional<proxenos::waf::RequestFacts> facts_;
};

}  // namespace proxenos::filters::waf
