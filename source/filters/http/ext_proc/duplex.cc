// Bodies that the processor sees before it has answered the head, and those that it gives back at
// its own pace (FULL_DUPLEX_STREAMED).
//
// While the head is held the body waits where the filters before this one have not seen it yet: it
// is shown from there once it is whole, and taken out when it passes here. Each piece that comes
// back goes on at once, past whatever part is held here.
#include <utility>

#include "source/filters/http/ext_proc/filter.h"

namespace proxenos::filters::ext_proc {
namespace {

using filter::Direction;
using filter::Verdict;

// What the processor may be behind before the source waits.
constexpr uint64_t kMaxUntakenBytes = 256 * 1024;

}  // namespace

void ExtProc::AwaitHeldBody(Direction direction) {
  const bool early = settings_.sends_body_early && body_mode(direction) == Mode::Body::kStreamed;
  if (way(direction).end || (!early && !duplex(direction))) return;
  stream_.AwaitBody(direction, kMaxBufferedBytes);
}

void ExtProc::ShowHeldBody(Direction direction) {
  Way& held = way(direction);
  const filter::Parts& in = Incoming(direction);
  const bool early = settings_.sends_body_early && body_mode(direction) == Mode::Body::kStreamed;
  if (held.asked != Part::kHead || held.end || held.shown_whole || (!early && !duplex(direction))) {
    return;
  }
  if (!in.end) {
    // More than waits here is shown once the head is answered, and that must not take forever.
    if (in.body.size() > kMaxBufferedBytes && !held.deadline.has_value()) {
      ArmDeadline(direction, settings_.message_timeout);
    }
    return;
  }
  held.shown_whole = true;
  held.body_next = early;
  if (!Send(MakeBody(MakeAsker(direction), direction, in.body, in.trailers == nullptr))) return;
  if (early || in.trailers == nullptr) return;
  held.trailers_shown = Send(MakeTrailers(MakeAsker(direction), direction, *in.trailers));
}

Verdict ExtProc::TakeBody(Direction direction, buffer::Buffer& body, bool end) {
  Way& held = way(direction);
  const bool shows = active() && !held.shown_whole && !held.got_end && (!body.empty() || end);
  const bool sent = shows && Send(MakeBody(MakeAsker(direction), direction, body, end));
  if (shows && !sent && !held.took) {
    return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
  }
  body.Clear();
  held.took = true;
  if (stream_.replied()) return Verdict::kContinue;
  if (end) {
    if (held.got_end && held.pieces.empty() && !stream_.injecting(*this, direction)) {
      return Verdict::kContinue;
    }
    held.body = &body;
    stream_.Wake(*this);
    return Verdict::kPause;
  }
  held.stalled = session_ != nullptr && session_->call.unsent_bytes() > kMaxUntakenBytes;
  return held.stalled ? Verdict::kPause : Verdict::kContinue;
}

Verdict ExtProc::TakeTrailers(Direction direction, http::HeaderMap& trailers) {
  Way& held = way(direction);
  held.took = true;
  if (active() && !held.trailers_shown && !held.got_end) {
    held.trailers_shown = Send(MakeTrailers(MakeAsker(direction), direction, trailers));
    if (!held.trailers_shown) {
      return stream_.replied() ? Verdict::kReplied : Verdict::kContinue;
    }
  }
  if (stream_.replied()) return Verdict::kContinue;
  held.trailers = &trailers;
  stream_.Wake(*this);
  return Verdict::kPause;
}

void ExtProc::ActOnPiece(Way& held, Answer& answer) {
  const bool fits = answer.part == Part::kBody
                        ? answer.piece.has_value() && !held.got_end
                        : held.trailers_shown && !held.trailers_answer.has_value();
  if (!fits) return RefuseSpurious();
  if (answer.part == Part::kBody) {
    held.pieces.Append(answer.piece->bytes);
    held.got_end = answer.piece->end;
  } else {
    held.trailers_answer = std::move(answer.headers);
    held.got_end = true;
  }
  GiveBack(answer.direction);
}

// In order: what waits, then the end that is held.
void ExtProc::GiveBack(Direction direction) {
  Way& held = way(direction);
  if (held.stalled && session_ != nullptr && session_->call.unsent_bytes() <= kMaxUntakenBytes) {
    held.stalled = false;
    LetGo(direction);
  }
  if (stream_.injecting(*this, direction)) return;
  // Not into the part that is held: what was injected before may be in its place in hand.
  if (!held.pieces.empty()) return stream_.Inject(*this, direction, std::move(held.pieces));
  if (held.body != nullptr && held.took && held.got_end) {
    held.body = nullptr;
    return LetGo(direction);
  }
  if (held.trailers == nullptr || !held.took || !held.got_end) return;
  if (held.trailers_shown && !held.trailers_answer.has_value()) return;
  if (held.trailers_answer.has_value()) {
    ApplyMutation(*held.trailers_answer, direction, held.trailers);
    if (over_) return;
  }
  held.trailers = nullptr;
  LetGo(direction);
}

bool ExtProc::Unfinished() const {
  for (const Direction direction : {Direction::kRequest, Direction::kResponse}) {
    const Way& held = ways_[static_cast<int>(direction)];
    if (!held.pieces.empty() || stream_.injecting(*this, direction)) return true;
  }
  return false;
}

bool ExtProc::Lost() const {
  return (ways_[0].took && !ways_[0].got_end) || (ways_[1].took && !ways_[1].got_end);
}

}  // namespace proxenos::filters::ext_proc
