// What the processor answers, and what follows from it.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/filters/http/ext_proc/filter.h"
#include "source/http/content_coding.h"
#include "source/rpc/status.h"

namespace proxenos::filters::ext_proc {
namespace {

using filter::Direction;

constexpr Direction kDirections[] = {Direction::kRequest, Direction::kResponse};

bool IsWhole(Mode::Body mode) {
  return mode == Mode::Body::kBuffered || mode == Mode::Body::kBufferedPartial;
}

}  // namespace

void ExtProc::OnWake() {
  if (over_ || session_ == nullptr) return;
  ReadAnswers();
  for (const Direction direction : kDirections) {
    if (!over_) ShowHeldBody(direction);
    if (!over_ && duplex(direction)) GiveBack(direction);
  }
  if (over_) return;
  if (ways_[0].late || ways_[1].late) {
    Count(&ExtProcStats::message_timeouts);
    return Fail("ext_proc_error_per-message_timeout_exceeded", 504);
  }
  if (session_->call.done()) ActOnEnd(session_->call.status());
}

void ExtProc::ActOnEnd(rpc::Status status) {
  const bool in_order = status == rpc::Status::kOk && !Lost();
  if (in_order && Unfinished()) return;
  Count(&ExtProcStats::server_half_closed);
  // A processor that has nothing more to say lets everything pass, behind what it has said.
  if (in_order) return End();
  Break(status == rpc::Status::kOk ? "ext_proc_error_body_not_given_back"
                                   : "ext_proc_error_grpc_error");
}

void ExtProc::ReadAnswers() {
  while (session_ != nullptr && !over_) {
    // What it said last goes on first: the rest waits behind the stream's window.
    if (!settings_.observes && Unfinished()) return;
    std::optional<buffer::Buffer> message = session_->call.Receive();
    if (!message.has_value()) return;
    if (!settings_.observes) {
      std::optional<Answer> answer = ReadAnswer(message->ToString());
      if (!answer.has_value()) return Break("ext_proc_error_bad_message");
      Act(*std::move(answer));
      if (spurious_) return;
    }
    Count(&ExtProcStats::stream_msgs_received);
  }
}

// It needs more time: nothing else of the message counts.
void ExtProc::Extend(base::Nanos timeout) {
  bool taken = false;
  for (const Direction direction : kDirections) {
    Way& held = way(direction);
    if (!held.asked.has_value() || held.extended || !held.deadline.has_value()) continue;
    if (timeout < base::kMillisecond || timeout > settings_.max_message_timeout) continue;
    held.extended = taken = true;
    held.late = false;
    held.deadline->ArmIn(timeout);
  }
  Count(taken ? &ExtProcStats::override_message_timeout_received
              : &ExtProcStats::override_message_timeout_ignored);
}

void ExtProc::Act(Answer answer) {
  if (answer.timeout.has_value()) return Extend(*answer.timeout);
  KeepMetadata(std::move(answer.metadata));
  if (answer.immediate.has_value()) {
    if (!settings_.immediate_responses) return Fail("ext_proc_error_immediate_response");
    return Immediate(*answer.immediate);
  }
  Way& held = way(answer.direction);
  const bool at_own_pace = duplex(answer.direction) && answer.part != Part::kHead;
  if (at_own_pace && answer.named && !held.asked.has_value()) return ActOnPiece(held, answer);
  if (!answer.named || held.asked != answer.part || answer.piece.has_value()) {
    return RefuseSpurious();
  }
  held.asked.reset();
  held.deadline.reset();
  held.late = false;
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
    if (over_) return;
    if (std::exchange(held.body_next, false)) return Expect(answer.direction, Part::kBody);
    if (AskAboutWholeBody(answer.direction) || over_) return;
    LetHeadGo(answer.direction);
  }
  if (!over_) LetGo(answer.direction);
}

// Whether a mode is one of allowed_override_modes. What is done with a request's head is past.
bool ExtProc::MayChoose(const Mode& mode) const {
  if (!settings_.allow_mode_override || settings_.sends_body_early || duplex(Direction::kRequest) ||
      duplex(Direction::kResponse)) {
    return false;
  }
  const auto& allowed = settings_.allowed_modes;
  return allowed.empty() || std::any_of(allowed.begin(), allowed.end(), [&mode](Mode one) {
           one.head[0] = mode.head[0];
           return one == mode;
         });
}

// Of the head, or of the whole body while the head is held.
void ExtProc::ActOnHead(Way& held, Answer& answer) {
  const Direction direction = answer.direction;
  ApplyMutation(answer.headers, direction, nullptr);
  if (over_) return;
  if (answer.mode.has_value() && answer.part == Part::kHead && MayChoose(*answer.mode)) {
    // What is to be seen whole has to be known before the message comes.
    for (const Direction way_of : kDirections) {
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

void ExtProc::Reject() {
  Count(&ExtProcStats::rejected_header_mutations);
  if (settings_.rules.disallowed_is_error) Fail("ext_proc_error_header_mutation", 500);
}

void ExtProc::ApplyMutation(const HeaderMutation& mutation, Direction direction,
                            http::HeaderMap* trailers) {
  http::HeaderMap& headers = trailers != nullptr ? *trailers : HeadersOf(direction);
  for (const std::string& name : mutation.removals) {
    if (settings_.rules.MayRemove(name)) {
      filter::RemoveField(name, headers);
    } else if (settings_.rules.disallowed_is_error) {
      return Reject();
    }
  }
  for (const filter::HeaderChange& change : mutation.changes) {
    if (filter::IsValid(change) && settings_.rules.MaySet(change.name)) {
      ApplyChange(change, direction, trailers);
    } else {
      Reject();
    }
    if (over_) return;
  }
}

void ExtProc::ApplyChange(const filter::HeaderChange& change, Direction direction,
                          http::HeaderMap* trailers) {
  if (change.name == ":status") {
    uint32_t status;
    const bool fits = trailers == nullptr && direction == Direction::kResponse &&
                      absl::SimpleAtoi(change.value, &status) && status >= 200 && status < 600;
    if (fits) stream_.response.status = static_cast<uint16_t>(status);
    if (!fits) Count(&ExtProcStats::rejected_header_mutations);
    return;
  }
  if (trailers != nullptr) return filter::Apply(change, *trailers);
  if (direction == Direction::kRequest) return filter::Apply(change, stream_.request);
  filter::Apply(change, stream_.response.headers);
}

void ExtProc::ForgetLength(Direction direction) {
  http::ForgetLength(FramingOf(direction), HeadersOf(direction));
}

void ExtProc::LetHeadGo(Direction direction) {
  const bool changes = body_mode(direction) == Mode::Body::kStreamed || duplex(direction);
  const Way& held = way(direction);
  if (changes && !held.end && !held.drops) ForgetLength(direction);
}

void ExtProc::ReplaceBody(Direction direction, buffer::Buffer& body, const std::string& with) {
  body.Clear();
  body.Append(with);
  http::HeaderMap& headers = HeadersOf(direction);
  http::Framing& framing = FramingOf(direction);
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
  Count(&ExtProcStats::immediate_responses_sent);
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
    if (values.object() == nullptr ||
        std::find(received_->begin(), received_->end(), space) == received_->end()) {
      continue;
    }
    stream_.info.metadata.Merge(space, std::move(*values.object()));
  }
}

void ExtProc::LetGo(Direction direction) { stream_.Resume(*this, direction); }

void ExtProc::Fail(absl::string_view details) { Fail(details, settings_.status_on_error); }

void ExtProc::Fail(absl::string_view details, uint16_t status) {
  if (failure_allowed_ && !Lost()) {
    Count(&ExtProcStats::failure_mode_allowed);
    return End();
  }
  End();
  Count(&ExtProcStats::immediate_responses_sent);
  stream_.Reply(status, "", details, 0);
}

void ExtProc::Break(absl::string_view details) {
  Count(&ExtProcStats::streams_failed);
  // As in Envoy it counts as closed too only where the request goes on without it.
  if (!failure_allowed_) session_.reset();
  Fail(details);
}

void ExtProc::RefuseSpurious() {
  spurious_ = true;
  Count(&ExtProcStats::spurious_msgs_received);
  Fail("ext_proc_error_spurious_message");
}

// Whatever is held goes on.
void ExtProc::End() {
  if (over_) return;
  over_ = true;
  if (session_ != nullptr) Count(&ExtProcStats::streams_closed);
  session_.reset();
  for (const Direction direction : kDirections) {
    Way& held = way(direction);
    held.deadline.reset();
    if (held.asked.has_value() || held.body != nullptr || held.trailers != nullptr ||
        held.stalled) {
      LetGo(direction);
    }
    held.asked.reset();
    held.body = nullptr;
    held.trailers = nullptr;
    held.stalled = false;
  }
}

}  // namespace proxenos::filters::ext_proc
