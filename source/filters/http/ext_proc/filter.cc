// Parts of messages, and the questions about them.
#include "source/filters/http/ext_proc/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/filter/filter_override.h"

namespace proxenos::filters::ext_proc {
namespace {

using filter::Direction;
using filter::Verdict;

// What an observer may be behind; beyond it is left alone.
constexpr uint64_t kMaxUnobservedBytes = 1024 * 1024;

bool IsWhole(Mode::Body mode) {
  return mode == Mode::Body::kBuffered || mode == Mode::Body::kBufferedPartial;
}

template <typename Value>
const Value* Either(const std::optional<Value>& own, const Value& general) {
  return own.has_value() ? &*own : &general;
}

}  // namespace

ExtProc::ExtProc(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<ExtProcPart*>(stream.worker_part(factory))),
      route_(filter::FindSettings<RouteSettings>(stream, factory)),
      service_(&settings.service),
      forwarded_(&settings.forwarded_namespaces),
      received_(&settings.received_namespaces),
      mode_(settings.mode),
      failure_allowed_(settings.failure_mode_allow) {
  if (!settings.noted.empty()) stream.info.state.Set(factory.name.text(), settings.noted);
  if (route_ == nullptr) return;
  off_ = route_->disabled;
  mode_ = route_->mode.value_or(mode_);
  service_ = Either(route_->service, *service_);
  forwarded_ = Either(route_->forwarded_namespaces, *forwarded_);
  received_ = Either(route_->received_namespaces, *received_);
  failure_allowed_ = route_->failure_mode_allow.value_or(failure_allowed_);
}

filter::BodyNeed ExtProc::NeedOf(Direction direction, const filter::BodyNeed& declared) const {
  if (!active()) return declared;
  constexpr filter::BodyNeed kPieces{filter::BodyMode::kStream, 0};
  const Mode::Body mode = body_mode(direction);
  if (settings_.observes) return mode == Mode::Body::kStreamed ? kPieces : declared;
  switch (mode) {
    case Mode::Body::kNone:
      // A mode that the processor may choose later needs the pieces too, and so does what it may
      // put in their place.
      return settings_.allow_mode_override || mode_.head[static_cast<int>(direction)] ? kPieces
                                                                                      : declared;
    case Mode::Body::kStreamed:
    case Mode::Body::kDuplex:
      return kPieces;
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

rpc::CallOptions ExtProc::OptionsOfRoute() const {
  rpc::CallOptions options = service_->options;
  for (const auto& field : route_->metadata) {
    const auto same =
        std::find_if(options.metadata.begin(), options.metadata.end(),
                     [&field](const auto& other) { return other.first == field.first; });
    if (same == options.metadata.end()) {
      options.metadata.push_back(field);
    } else {
      same->second = field.second;
    }
  }
  return options;
}

bool ExtProc::StartCall() {
  if (session_ != nullptr) return true;
  base::Rc<upstream::WorkerCluster> cluster = stream_.environment.clusters.Find(service_->cluster);
  if (!cluster) return false;
  Count(&ExtProcStats::streams_started);
  const bool own = route_ != nullptr && !route_->metadata.empty();
  session_ = std::make_unique<Session>(
      std::move(cluster), own ? OptionsOfRoute() : service_->options, [this] { OnProgress(); });
  return true;
}

bool ExtProc::Send(const std::string& message) {
  const bool first = session_ == nullptr;
  if (!StartCall()) {
    Break("ext_proc_error_no_cluster");
    return false;
  }
  // Fields of one message may stand in any order.
  session_->call.Send(
      first ? absl::StrCat(message, MakeProtocolConfig(mode_, settings_.sends_body_early))
            : message);
  Count(&ExtProcStats::stream_msgs_sent);
  return true;
}

Asker ExtProc::MakeAsker(Direction direction) {
  const AttributeList& list = settings_.attributes[static_cast<int>(direction)];
  const bool told = std::exchange(way(direction).attributes_told, true);
  return {stream_, settings_, forwarded_, told || list.empty() ? nullptr : &list};
}

bool ExtProc::Ask(Direction direction, Part part, const std::string& message) {
  if (!Send(message)) return false;
  Expect(direction, part);
  return true;
}

void ExtProc::Expect(Direction direction, Part part) {
  way(direction).asked = part;
  way(direction).extended = false;
  // Who answers at its own pace has no time limit, as in Envoy.
  if (settings_.message_timeout > 0 && !duplex(direction)) {
    ArmDeadline(direction, settings_.message_timeout);
  }
}

void ExtProc::ArmDeadline(Direction direction, base::Nanos within) {
  Way& asked = way(direction);
  asked.late = false;
  asked.deadline.emplace(stream_.environment.loop.timers(), [this, direction] {
    way(direction).late = true;
    stream_.Wake(*this);
  });
  asked.deadline->ArmIn(within);
}

void ExtProc::Show(const std::string& message) {
  if (session_ != nullptr && session_->call.unsent_bytes() > kMaxUnobservedBytes) {
    Count(&ExtProcStats::streams_failed);
    return End();
  }
  if (StartCall()) {
    Send(message);
  } else {
    over_ = true;
  }
}

bool ExtProc::AskAboutWholeBody(Direction direction) {
  Way& asked = way(direction);
  const filter::Parts& in = Incoming(direction);
  if (asked.end || asked.shown_whole || !IsWhole(body_mode(direction))) return false;
  asked.shown_whole = true;
  return Ask(direction, Part::kBody,
             MakeBody(MakeAsker(direction), direction, in.body, in.end && in.trailers == nullptr));
}

Verdict ExtProc::Head(Direction direction, bool end) {
  if (!active() || (direction == Direction::kResponse && stream_.replied())) {
    return Verdict::kContinue;
  }
  Way& held = way(direction);
  held.end = end;
  const bool wanted = mode_.head[static_cast<int>(direction)];
  if (settings_.observes) {
    if (wanted) Show(MakeHead(MakeAsker(direction), direction, end));
    return Verdict::kContinue;
  }
  const bool asked =
      wanted ? Ask(direction, Part::kHead, MakeHead(MakeAsker(direction), direction, end))
             : AskAboutWholeBody(direction);
  if (asked) {
    if (wanted) AwaitHeldBody(direction);
    return Verdict::kPause;
  }
  if (stream_.replied()) return Verdict::kReplied;
  if (!over_) LetHeadGo(direction);
  return Verdict::kContinue;
}

void ExtProc::PassReplacement(Way& way, buffer::Buffer& body) {
  body.Clear();
  if (way.replacement.has_value()) body.Append(*way.replacement);
  way.replacement.reset();
}

Verdict ExtProc::Body(Direction direction, buffer::Buffer& body, bool end) {
  Way& held = way(direction);
  if (direction == Direction::kResponse && stream_.replied()) return Verdict::kContinue;
  if (held.drops) {
    PassReplacement(held, body);
    return Verdict::kContinue;
  }
  if (held.took || (active() && duplex(direction) && !settings_.observes)) {
    return TakeBody(direction, body, end);
  }
  const bool streamed = body_mode(direction) == Mode::Body::kStreamed && !held.shown_whole;
  if (!active() || !streamed || (body.empty() && !end)) return Verdict::kContinue;
  if (settings_.observes) {
    Show(MakeBody(MakeAsker(direction), direction, body, end));
    return Verdict::kContinue;
  }
  held.body = &body;
  held.end = end;
  if (Ask(direction, Part::kBody, MakeBody(MakeAsker(direction), direction, body, end))) {
    return Verdict::kPause;
  }
  return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
}

Verdict ExtProc::Trailers(Direction direction, http::HeaderMap& trailers) {
  Way& held = way(direction);
  if (direction == Direction::kResponse && stream_.replied()) return Verdict::kContinue;
  if (held.drops) {
    // The message that they were the end of is no more.
    trailers.Clear();
    if (held.replacement.has_value()) PassReplacement(held, stream_.added_body);
    return Verdict::kContinue;
  }
  if (held.took || (active() && duplex(direction) && !settings_.observes)) {
    return TakeTrailers(direction, trailers);
  }
  if (!active() || !mode_.trailers[static_cast<int>(direction)]) return Verdict::kContinue;
  if (settings_.observes) {
    Show(MakeTrailers(MakeAsker(direction), direction, trailers));
    return Verdict::kContinue;
  }
  held.trailers = &trailers;
  if (Ask(direction, Part::kTrailers, MakeTrailers(MakeAsker(direction), direction, trailers))) {
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

// The answer is not the processor's any more.
void ExtProc::OnLocalReply() {
  if (!over_ && !settings_.observes) End();
}

// An observer is told of the end too, whatever is left for it to read.
void ExtProc::OnComplete() {
  if (over_ || session_ == nullptr) return;
  over_ = true;
  Count(&ExtProcStats::streams_closed);
  if (!settings_.observes || part_ == nullptr) return session_.reset();
  part_->Linger(std::move(session_), stream_.environment.loop, settings_.lingers_for);
}

}  // namespace proxenos::filters::ext_proc
