// Holding a message, having it inspected, and acting on what came of it.
#include "source/filters/http/waf/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/filter/filter_override.h"
#include "source/filter/header_change.h"
#include "source/filters/http/waf/facts.h"

namespace proxenos::filters::waf {
namespace {

using filter::Direction;
using filter::Verdict;
using proxenos::waf::Intervention;
using proxenos::waf::Job;
using proxenos::waf::Mode;

constexpr absl::string_view kMetadataSpace = "proxenos.filters.http.waf";
// What metadata tells of rules at most: other filters read it, logs show it.
constexpr size_t kMaxRulesTold = 50;

absl::string_view WithoutParameters(absl::string_view type) {
  return absl::StripAsciiWhitespace(type.substr(0, type.find(';')));
}

}  // namespace

const char* Waf::NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return "none";
    case Outcome::kPassed:
      return "passed";
    case Outcome::kDetected:
      return "detected";
    case Outcome::kBlocked:
      return "blocked";
    case Outcome::kFailedOpen:
      return "failed_open";
    case Outcome::kFailedClosed:
      return "failed_closed";
    case Outcome::kTooLarge:
      return "too_large";
  }
  return "none";
}

Waf::Waf(const Settings& settings, const filter::FilterFactory& factory,
         filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<WafPart*>(stream.worker_part(factory))),
      mode_(settings.mode),
      rules_(settings.rules),
      request_(&settings.request),
      response_(settings.response.has_value() ? &*settings.response : nullptr) {
  FindRouteSettings(factory);
}

Waf::~Waf() {
  // Even that takes its time.
  if (inspection_ != nullptr && !rules_->runs_inline()) {
    settings_.pool->Discard(std::move(inspection_));
  }
}

void Waf::FindRouteSettings(const filter::FilterFactory& factory) {
  const auto* route = filter::FindSettings<RouteSettings>(stream_, factory);
  if (route == nullptr) return;
  if (route->disabled) rules_ = nullptr;
  if (route->rules != nullptr) rules_ = route->rules;
  mode_ = route->mode.value_or(mode_);
  if (route->request.has_value()) request_ = &*route->request;
  if (route->response.has_value()) response_ = &*route->response;
  if (route->skip_response) response_ = nullptr;
}

bool Waf::WantsRequestBody() const {
  return rules_ != nullptr && !request_->body.ignored &&
         stream_.request.framing.kind != http::Framing::kTunnel &&
         (request_->grpc_bodies || !stream_.IsGrpcCall());
}

filter::BodyNeed Waf::RequestBodyNeed(const filter::BodyNeed& declared) const {
  // One byte more, or what is too large would never be seen.
  return WantsRequestBody() ? filter::BodyNeed{filter::BodyMode::kBegin, request_->body.limit + 1}
                            : declared;
}

bool Waf::WantsResponseBody() const {
  const absl::string_view encoding = stream_.response.headers.Get(http::HeaderId::kContentEncoding);
  return (encoding.empty() || absl::EqualsIgnoreCase(encoding, "identity")) &&
         WantsResponseBodyDecoded();
}

bool Waf::WantsResponseBodyDecoded() const {
  if (response_ == nullptr || response_->body.ignored || inspection_ == nullptr) return false;
  const http::ResponseHead& head = stream_.response;
  if (head.framing.kind == http::Framing::kTunnel) return false;
  const absl::string_view type = WithoutParameters(head.headers.Get(http::HeaderId::kContentType));
  return std::any_of(response_->types.begin(), response_->types.end(),
                     [type](const std::string& one) { return absl::EqualsIgnoreCase(one, type); });
}

filter::BodyNeed Waf::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  // Filters between this one and the origin, which may decode it, have not seen the head yet.
  return WantsResponseBodyDecoded()
             ? filter::BodyNeed{filter::BodyMode::kBegin, response_->body.limit + 1}
             : declared;
}

bool Waf::TakeBody(Direction direction, const BodySettings& settings, std::string& body,
                   bool& partial) {
  const bool request = direction == Direction::kRequest;
  const buffer::Buffer& held = request ? stream_.request_in.body : stream_.response_in.body;
  partial = held.size() > settings.limit;
  if (partial) {
    part_->stats->over_limit.Inc();
    if (settings.over_limit == OverLimit::kReject) {
      Conclude(Outcome::kTooLarge);
      stream_.Reply(request ? 413 : 500, "",
                    request ? "waf_request_too_large" : "waf_response_too_large", 0);
      return false;
    }
  }
  body = BeginOf(held, settings.limit);
  return true;
}

Verdict Waf::OnRequestHeaders(http::RequestHead&, bool) {
  if (rules_ == nullptr || part_ == nullptr) return Verdict::kContinue;
  auto job = std::make_unique<Job>();
  job->request = RequestFactsOf(stream_);
  if (settings_.audit != nullptr) facts_ = job->request;
  id_ = absl::StrCat(absl::Hex(stream_.environment.loop.random().Next(), absl::kZeroPad16));
  if (WantsRequestBody() &&
      !TakeBody(Direction::kRequest, request_->body, job->request->body, job->request->partial)) {
    return Verdict::kReplied;
  }
  part_->stats->inspected.Inc();
  job->last = response_ == nullptr;
  return Inspect(Direction::kRequest, std::move(job));
}

Verdict Waf::OnResponseHeaders(http::ResponseHead&, bool) {
  if (response_ == nullptr || inspection_ == nullptr || stream_.replied()) {
    return Verdict::kContinue;
  }
  auto job = std::make_unique<Job>();
  job->response = ResponseFactsOf(stream_);
  bool partial = false;
  if (WantsResponseBody() &&
      !TakeBody(Direction::kResponse, response_->body, job->response->body, partial)) {
    return Verdict::kReplied;
  }
  job->inspection = std::move(inspection_);
  job->last = true;
  return Inspect(Direction::kResponse, std::move(job));
}

Verdict Waf::Inspect(Direction direction, std::unique_ptr<Job> job) {
  job->rules = rules_;
  job->mode = mode_;
  job->id = id_;
  if (rules_->runs_inline()) {
    job->Run();
    return Act(std::move(job));
  }
  job->home = part_->home();
  ticket_.emplace([this](std::unique_ptr<Job> back) {
    done_ = std::move(back);
    stream_.Wake(*this);
  });
  if (!settings_.pool->Submit(job, *ticket_)) {
    ticket_.reset();
    settings_.pool->Discard(std::move(job->inspection));
    return Fail(&WafStats::queue_full, "waf_queue_full");
  }
  part_->stats->active.Inc();
  waiting_ = direction;
  timed_out_ = false;
  deadline_.emplace(stream_.environment.loop.timers(), [this] {
    timed_out_ = true;
    stream_.Wake(*this);
  });
  deadline_->ArmIn(settings_.deadline);
  return Verdict::kPause;
}

void Waf::StopWaiting() {
  if (!waiting_.has_value()) return;
  waiting_.reset();
  deadline_.reset();
  ticket_.reset();
  part_->stats->active.Dec();
}

void Waf::OnWake() {
  if (!waiting_.has_value() || (done_ == nullptr && !timed_out_)) return;
  const Direction direction = *waiting_;
  StopWaiting();
  const Verdict verdict =
      done_ != nullptr ? Act(std::move(done_)) : Fail(&WafStats::deadline, "waf_deadline_exceeded");
  if (verdict == Verdict::kContinue) stream_.Resume(*this, direction);
}

// Whoever answered: the message that is being inspected goes no further.
void Waf::OnLocalReply() {
  StopWaiting();
  done_.reset();
}

Verdict Waf::Act(std::unique_ptr<Job> job) {
  proxenos::waf::Finding& finding = job->finding;
  if (finding.failed) return Fail(&WafStats::engine_error, "waf_engine_error");
  inspection_ = std::move(job->inspection);
  inbound_score_ = finding.inbound_score;
  outbound_score_ = finding.outbound_score;
  for (proxenos::waf::RuleMatch& match : finding.matches) {
    part_->CountMatch(match.rule);
    matches_.push_back(std::move(match));
  }
  if (finding.intervention.action != Intervention::Action::kNone) {
    return Block(finding.intervention);
  }
  // A client could else have the origin hide the body of its response in a coding.
  if (job->request.has_value() && response_ != nullptr && !response_->body.ignored) {
    stream_.request.headers.Remove(proxenos::http::HeaderId::kAcceptEncoding);
  }
  Conclude(matches_.empty() ? Outcome::kPassed : Outcome::kDetected);
  return Verdict::kContinue;
}

Verdict Waf::Block(const Intervention& intervention) {
  rule_ = intervention.rule;
  Conclude(Outcome::kBlocked);
  const absl::string_view details = stream_.arena.Copy(
      rule_ == 0 ? std::string("waf_blocked") : absl::StrCat("waf_blocked_by_rule_", rule_));
  if (intervention.action == Intervention::Action::kDrop) {
    stream_.Abort(details, 0);
    return Verdict::kReplied;
  }
  // A location may be made of what a stranger sent.
  const filter::HeaderChange location{filter::HeaderChange::How::kSet, "location",
                                      intervention.location};
  const bool redirects = intervention.action == Intervention::Action::kRedirect &&
                         intervention.status / 100 == 3 && filter::IsValid(location);
  const uint16_t status = redirects || intervention.status >= 400 ? intervention.status : 403;
  stream_.Reply(status, redirects ? absl::string_view() : http::ReasonPhrase(status), details, 0);
  if (redirects) filter::Apply(location, stream_.response.headers);
  return Verdict::kReplied;
}

Verdict Waf::Fail(stats::Counter WafStats::*reason, absl::string_view details) {
  ((*part_->stats).*reason).Inc();
  response_ = nullptr;
  if (settings_.failure.open) {
    part_->stats->failed_open.Inc();
    stream_.info.flags |= filter::kOverload;
    Conclude(Outcome::kFailedOpen);
    return Verdict::kContinue;
  }
  part_->stats->failed_closed.Inc();
  Conclude(Outcome::kFailedClosed);
  stream_.Reply(settings_.failure.status, "", details, filter::kOverload);
  return Verdict::kReplied;
}

void Waf::Conclude(Outcome outcome) {
  const bool was_detected = outcome_ == Outcome::kDetected;
  outcome_ = outcome;
  if (outcome == Outcome::kBlocked) part_->stats->blocked.Inc();
  if (outcome == Outcome::kDetected && !was_detected) part_->stats->detected.Inc();
  KeepMetadata();
}

void Waf::KeepMetadata() {
  json::Object values;
  values.emplace("outcome", json::Value(std::string(NameOf(outcome_))));
  values.emplace("mode", json::Value(std::string(mode_ == Mode::kBlock ? "block" : "detect")));
  if (inbound_score_) values.emplace("inbound_score", json::Value(*inbound_score_));
  if (outbound_score_) values.emplace("outbound_score", json::Value(*outbound_score_));
  if (rule_ != 0) values.emplace("rule", json::Value(rule_));
  json::List rules;
  json::List tags;
  for (const proxenos::waf::RuleMatch& match : matches_) {
    if (rules.size() == kMaxRulesTold) break;
    rules.emplace_back(match.rule);
    for (const std::string& tag : match.tags) {
      json::Value value(tag);
      if (std::find(tags.begin(), tags.end(), value) == tags.end())
        tags.push_back(std::move(value));
    }
  }
  values.emplace("rules", json::Value(std::move(rules)));
  values.emplace("tags", json::Value(std::move(tags)));
  stream_.info.metadata.Merge(kMetadataSpace, std::move(values));
}

void Waf::OnComplete() {
  StopWaiting();
  if (settings_.audit != nullptr && outcome_ > Outcome::kPassed && facts_.has_value()) Audit();
}

void Waf::Audit() {
  proxenos::waf::AuditEvent event;
  event.time = stream_.info.start_wall;
  event.transaction = id_;
  event.mode = mode_;
  event.outcome = NameOf(outcome_);
  event.client = facts_->client;
  event.server = facts_->server;
  event.method = std::move(facts_->method);
  event.uri = std::move(facts_->uri);
  event.version = std::move(facts_->version);
  event.route = std::string(stream_.info.route_name);
  event.request_fields = std::move(facts_->fields);
  event.status = stream_.info.response_code;
  event.rule = rule_;
  event.inbound_score = inbound_score_;
  event.outbound_score = outbound_score_;
  event.matches = std::move(matches_);
  settings_.audit->Append(ToJsonLine(event, settings_.redaction));
}

}  // namespace proxenos::filters::waf
