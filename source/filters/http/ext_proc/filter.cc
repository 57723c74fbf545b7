// Questions, answers, and what follows from them.
#include "source/filters/http/ext_proc/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/filter/filter_override.h"
#include "source/http/content_coding.h"
#include "source/rpc/status.h"

namespace proxenos::filters::ext_proc {
namespace {

using filter::Direction;
using filter::Verdict;

// What a body may have that is to be seen whole: a connection's buffer in Envoy.
constexpr uint32_t kMaxBufferedBytes = 1024 * 1024;

bool IsWhole(Mode::Body mode) {
  return mode == Mode::Body::kBuffered || mode == Mode::Body::kBufferedPartial;
}

// Who the message is for, and the proxy's own fields, are not the processor's.
bool MayChange(absl::string_view name) {
  return name != ":authority" && name != ":scheme" && name != ":method" && name != "host" &&
         name.substr(0, 8) != "x-envoy-";
}

}  // namespace

ExtProc::ExtProc(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<ExtProcPart*>(stream.worker_part(factory))),
      service_(&settings.service),
      mode_(settings.mode),
      failure_allowed_(settings.failure_mode_allow) {
  const auto* route = filter::FindSettings<RouteSettings>(stream, factory);
  if (route == nullptr) return;
  off_ = route->disabled;
  if (route->mode.has_value()) mode_ = *route->mode;
  if (route->service.has_value()) service_ = &*route->service;
  failure_allowed_ = route->failure_mode_allow.value_or(failure_allowed_);
}

filter::BodyNeed ExtProc::NeedOf(Direction direction, const filter::BodyNeed& declared) const {
  if (!active()) return declared;
  switch (mode_.body[static_cast<int>(direction)]) {
    case Mode::Body::kNone:
      // A mode that the processor may choose later needs the pieces too, and so does what it may
      // put in their place.
      return settings_.allow_mode_override || mode_.head[static_cast<int>(direction)]
                 ? filter::BodyNeed{filter::BodyMode::kStream, 0}
                 : declared;
    case Mode::Body::kStreamed:
      return filter::BodyNeed{filter::BodyMode::kStream, 0};
    case Mode::Body::kBuffered:
      return filter::BodyNeed{filter::BodyMode::kBuffer, kMaxBufferedBytes};
    case Mode::Body::kBufferedPartial:
      return filter::BodyNeed{filter::BodyMode::kBegin, kMaxBufferedBytes};
  }
  return declared;
}

filter::BodyNeed ExtProc::RequestBodyNeed(const filter::BodyNeed& declared) const {
  return NeedOf(Direction::kRequest, declared);
}
filter::BodyNeed ExtProc::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  return NeedOf(Direction::kResponse, declared);
}

bool ExtProc::StartCall() {
  if (call_ != nullptr) return true;
  base::Rc<upstream::WorkerCluster> cluster = stream_.environment.clusters.Find(service_->cluster);
  if (!cluster) return false;
  Count(&ExtProcStats::streams_started);
  call_ =
      std::make_unique<rpc::Call>(std::move(cluster), service_->options, [this] { OnProgress(); });
  return true;
}

bool ExtProc::Ask(Direction direction, Part part, const std::string& message) {
  const bool first = call_ == nullptr;
  if (!StartCall()) {
    Fail("ext_proc_error_no_cluster");
    return false;
  }
  // Fields of one message may stand in any order.
  call_->Send(first ? absl::StrCat(message, MakeProtocolConfig(mode_)) : message);
  Count(&ExtProcStats::stream_msgs_sent);
  Way& asked = way(direction);
  asked.asked = part;
  if (settings_.message_timeout > 0) {
    asked.deadline.emplace(stream_.environment.loop.timers(), [this] {
      timed_out_ = true;
      stream_.Wake(*this);
    });
    asked.deadline->ArmIn(settings_.message_timeout);
  }
  return true;
}

bool ExtProc::AskAboutWholeBody(Direction direction) {
  Way& asked = way(direction);
  const filter::Parts& in = Incoming(direction);
  if (asked.end || asked.shown_whole || !IsWhole(mode_.body[static_cast<int>(direction)])) {
    return false;
  }
  asked.shown_whole = true;
  return Ask(direction, Part::kBody,
             MakeBody(stream_, settings_, direction, in.body, in.end && in.trailers == nullptr));
}

Verdict ExtProc::Head(Direction direction, bool end) {
  if (!active() || (direction == Direction::kResponse && stream_.replied())) {
    return Verdict::kContinue;
  }
  Way& held = way(direction);
  held.end = end;
  const bool asked = mode_.head[static_cast<int>(direction)]
                         ? Ask(direction, Part::kHead, MakeHead(stream_, settings_, direction, end))
                         : AskAboutWholeBody(direction);
  if (asked) return Verdict::kPause;
  return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
}

void ExtProc::PassReplacement(Way& way, buffer::Buffer& body) {
  body.Clear();
  if (way.replacement.has_value()) body.Append(*way.replacement);
  way.replacement.reset();
}

Verdict ExtProc::Body(Direction direction, buffer::Buffer& body, bool end) {
  Way& held = way(direction);
  if (held.drops) {
    PassReplacement(held, body);
    return Verdict::kContinue;
  }
  const bool streamed = mode_.body[static_cast<int>(direction)] == Mode::Body::kStreamed;
  if (!active() || !streamed || (body.empty() && !end) ||
      (direction == Direction::kResponse && stream_.replied())) {
    return Verdict::kContinue;
  }
  held.body = &body;
  held.end = end;
  if (Ask(direction, Part::kBody, MakeBody(stream_, settings_, direction, body, end))) {
    return Verdict::kPause;
  }
  return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
}

Verdict ExtProc::Trailers(Direction direction, http::HeaderMap& trailers) {
  if (way(direction).drops) {
    // The message that they were the end of is no more.
    trailers.Clear();
    if (way(direction).replacement.has_value()) {
      PassReplacement(way(direction), stream_.added_body);
    }
    return Verdict::kContinue;
  }
  if (!active() || !mode_.trailers[static_cast<int>(direction)] ||
      (direction == Direction::kResponse && stream_.replied())) {
    return Verdict::kContinue;
  }
  way(direction).trailers = &trailers;
  if (Ask(direction, Part::kTrailers, MakeTrailers(stream_, settings_, direction, trailers))) {
    return Verdict::kPause;
  }
  return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
}

Verdict ExtProc::OnRequestHeaders(http::RequestHead&, bool end) {
  return Head(Direction::kRequest, end);
}
Verdict ExtProc::OnRequestBody(buffer::Buffer& body, bool end) {
  return Body(Direction::kRequest, body, end);
}
Verdict ExtProc::OnRequestTrailers(http::HeaderMap& trailers) {
  return Trailers(Direction::kRequest, trailers);
}
Verdict ExtProc::OnResponseHeaders(http::ResponseHead&, bool end) {
  return Head(Direction::kResponse, end);
}
Verdict ExtProc::OnResponseBody(buffer::Buffer& body, bool end) {
  return Body(Direction::kResponse, body, end);
}
Verdict ExtProc::OnResponseTrailers(http::HeaderMap& trailers) {
  return Trailers(Direction::kResponse, trailers);
}

void ExtProc::OnWake() {
  if (over_ || call_ == nullptr) return;
  ReadAnswers();
  if (over_) return;
  if (timed_out_) {
    Count(&ExtProcStats::message_timeouts);
    return Fail("ext_proc_error_per-message_timeout_exceeded", 504);
  }
  if (!call_->done()) return;
  // A processor that has nothing more to say lets everything pass.
  if (call_->status() == rpc::Status::kOk) return End();
  Fail("ext_proc_error_grpc_error");
}

void ExtProc::ReadAnswers() {
  while (call_ != nullptr && !over_) {
    std::optional<buffer::Buffer> message = call_->Receive();
    if (!message.has_value()) return;
    Count(&ExtProcStats::stream_msgs_received);
    std::optional<Answer> answer = ReadAnswer(message->ToString());
    if (!answer.has_value()) return Fail("ext_proc_error_bad_message");
    Act(*std::move(answer));
  }
}

void ExtProc::Act(Answer answer) {
  KeepMetadata(std::move(answer.metadata));
  if (answer.immediate.has_value()) {
    if (!settings_.immediate_responses) return Fail("ext_proc_error_immediate_response");
    return Immediate(*answer.immediate);
  }
  Way& held = way(answer.direction);
  if (!answer.named || held.asked != answer.part) {
    Count(&ExtProcStats::spurious_msgs_received);
    return Fail("ext_proc_error_spurious_message");
  }
  held.asked.reset();
  held.deadline.reset();
  timed_out_ = false;
  if (held.trailers != nullptr) {
    ApplyMutation(answer.headers, answer.direction, std::exchange(held.trailers, nullptr));
  } else if (held.body != nullptr) {
    ApplyMutation(answer.headers, answer.direction, nullptr);
    if (answer.body.has_value()) {
      held.body->Clear();
      held.body->Append(*answer.body);
    }
    held.body = nullptr;
  } else {
    ActOnHead(held, answer);
    if (over_ || AskAboutWholeBody(answer.direction) || over_) return;
  }
  LetGo(answer.direction);
}

// Of the head, or of the whole body while the head is held.
void ExtProc::ActOnHead(Way& held, Answer& answer) {
  const Direction direction = answer.direction;
  ApplyMutation(answer.headers, direction, nullptr);
  if (answer.mode.has_value() && settings_.allow_mode_override && answer.part == Part::kHead) {
    // What is to be seen whole has to be known before the message comes.
    for (const Direction way_of : {Direction::kRequest, Direction::kResponse}) {
      const int d = static_cast<int>(way_of);
      const bool late = way_of == Direction::kRequest || direction == Direction::kResponse;
      if (late && IsWhole(answer.mode->body[d]) && !IsWhole(mode_.body[d]) && !held.end) {
        return Fail("ext_proc_error_mode_override");
      }
    }
    mode_ = *answer.mode;
  }
  const bool replaces = answer.part == Part::kBody || answer.replaces;
  const filter::Parts& in = Incoming(direction);
  const bool complete = held.end || (in.end && in.trailers == nullptr);
  if (replaces && answer.body.has_value()) {
    if (answer.replaces && !complete) {
      ForgetLength(direction);
      held.replacement = *std::move(answer.body);
    } else {
      ReplaceBody(direction, Incoming(direction).body, *answer.body);
    }
  }
  if (answer.replaces) {
    held.shown_whole = true;
    held.drops = !complete && answer.body.has_value();
  }
  const bool clears =
      settings_.route_cache == Settings::RouteCache::kClear ||
      (settings_.route_cache == Settings::RouteCache::kDefault && answer.clear_route_cache);
  if (direction == Direction::kRequest && clears) stream_.Reroute();
}

void ExtProc::ApplyMutation(const HeaderMutation& mutation, Direction direction,
                            http::HeaderMap* trailers) {
  http::HeaderMap& headers = trailers != nullptr                ? *trailers
                             : direction == Direction::kRequest ? stream_.request.headers
                                                                : stream_.response.headers;
  for (const std::string& name : mutation.removals) {
    if (MayChange(name)) filter::RemoveField(name, headers);
  }
  for (const filter::HeaderChange& change : mutation.changes) {
    if (!MayChange(change.name) || !filter::IsValid(change)) {
      Count(&ExtProcStats::rejected_header_mutations);
      continue;
    }
    uint32_t status;
    if (change.name == ":status") {
      const bool fits = trailers == nullptr && direction == Direction::kResponse &&
                        absl::SimpleAtoi(change.value, &status) && status >= 200 && status < 600;
      if (fits) stream_.response.status = static_cast<uint16_t>(status);
      if (!fits) Count(&ExtProcStats::rejected_header_mutations);
      continue;
    }
    if (trailers == nullptr && direction == Direction::kRequest) {
      filter::Apply(change, stream_.request);
    } else {
      filter::Apply(change, headers);
    }
  }
}

void ExtProc::ForgetLength(Direction direction) {
  if (direction == Direction::kRequest) {
    http::ForgetLength(stream_.request.framing, stream_.request.headers);
  } else {
    http::ForgetLength(stream_.response.framing, stream_.response.headers);
  }
}

void ExtProc::ReplaceBody(Direction direction, buffer::Buffer& body, const std::string& with) {
  body.Clear();
  body.Append(with);
  http::HeaderMap& headers =
      direction == Direction::kRequest ? stream_.request.headers : stream_.response.headers;
  http::Framing& framing =
      direction == Direction::kRequest ? stream_.request.framing : stream_.response.framing;
  const filter::Parts& in = Incoming(direction);
  headers.Remove(http::HeaderId::kContentLength);
  if (in.end && in.trailers == nullptr) {
    framing = http::Framing{http::Framing::kLength, with.size()};
    headers.Add(http::HeaderId::kContentLength, absl::AlphaNum(with.size()).Piece());
  } else {
    framing = http::Framing{http::Framing::kChunked, 0};
  }
}

void ExtProc::Immediate(const Answer::Immediate& immediate) {
  End();
  const absl::string_view details = immediate.details.empty()
                                        ? "ext_proc_immediate_response"
                                        : stream_.arena.Copy(immediate.details);
  stream_.Reply(immediate.status, stream_.arena.Copy(immediate.body), details, 0);
  http::HeaderMap& headers = stream_.response.headers;
  for (const std::string& name : immediate.headers.removals) filter::RemoveField(name, headers);
  for (const filter::HeaderChange& change : immediate.headers.changes) {
    filter::Apply(change, headers);
  }
  if (immediate.grpc_status.has_value() && stream_.IsGrpcCall()) {
    rpc::SetStatus(static_cast<rpc::Status>(*immediate.grpc_status), headers);
  }
}

void ExtProc::KeepMetadata(json::Object metadata) {
  for (auto& [space, values] : metadata) {
    const auto& received = settings_.received_namespaces;
    if (values.object() == nullptr ||
        std::find(received.begin(), received.end(), space) == received.end()) {
      continue;
    }
    stream_.info.metadata.Merge(space, std::move(*values.object()));
  }
}

void ExtProc::LetGo(Direction direction) { stream_.Resume(*this, direction); }

void ExtProc::Fail(absl::string_view details) { Fail(details, settings_.status_on_error); }

void ExtProc::Fail(absl::string_view details, uint16_t status) {
  Count(&ExtProcStats::streams_failed);
  if (failure_allowed_) {
    Count(&ExtProcStats::failure_mode_allowed);
    return End();
  }
  End();
  stream_.Reply(status, "", details, 0);
}

// Whatever is held goes on.
void ExtProc::End() {
  if (over_) return;
  over_ = true;
  if (call_ != nullptr) Count(&ExtProcStats::streams_closed);
  call_.reset();
  for (const Direction direction : {Direction::kRequest, Direction::kResponse}) {
    Way& held = way(direction);
    held.deadline.reset();
    if (held.asked.has_value()) LetGo(direction);
    held.asked.reset();
    held.body = nullptr;
    held.trailers = nullptr;
  }
}

// The answer is not the processor's any more.
void ExtProc::OnLocalReply() {
  if (!over_) End();
}

}  // namespace proxenos::filters::ext_proc
