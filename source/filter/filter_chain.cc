// The moving of message parts through filters.
#include "source/filter/filter_chain.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/base/limits.h"
#include "source/filter/filter_override.h"

namespace proxenos::filter {
namespace {

// Whether it is called with pieces of the body.
bool WantsBody(const BodyNeed& need) {
  return need.mode == BodyMode::kStream || need.mode == BodyMode::kBuffer;
}

// Whether it looks at the body that waits when it is called with the head.
bool LooksAhead(const BodyNeed& need) {
  return need.mode == BodyMode::kBegin || need.mode == BodyMode::kBuffer;
}

// A filter that runs ahead changes bytes as they come, whatever comes later, and never pauses. So
// that those behind it see a body that waits at the door as it will reach them, it is called with
// that before they look: with `request_in.body` (or `response_in.body`) itself, of which it has
// changed the front already where this is not the first time. `end`: no more bytes will come. What
// it has changed comes to it again when the body passes.
//
// Has the first `count` filters do that. `at` gives the one of a step. Others before them that are
// called with pieces would then see the changed bytes: that is done only for one that `looks`, and
// not for one that may.
template <typename At>
void RunAhead(At at, uint8_t count, Direction direction, Parts& in, bool looks) {
  if (in.body.empty()) return;
  for (uint8_t step = 0; step < count; ++step) {
    auto& entry = at(step);
    const BodyNeed& need = entry.needs[static_cast<int>(direction)];
    if (entry.answer == FilterGate::Answer::kSkip || !WantsBody(need)) continue;
    if (!need.runs_ahead) {
      if (!looks) return;
      continue;
    }
    const Verdict verdict = direction == Direction::kRequest
                                ? entry.filter->OnRequestBody(in.body, in.end)
                                : entry.filter->OnResponseBody(in.body, in.end);
    if (verdict != Verdict::kContinue) return;
  }
}

}  // namespace

FilterChain::FilterChain(const FilterFactories& factories, StreamContext& stream)
    : stream_(stream) {
  stream.IsGrpcCall();  // Before filters change the request.
  stream.choices_.clear();
  filters_.reserve(factories.size());
  Make(factories, 0);
  AskNeeds(Direction::kRequest, ways_[0]);
}

FilterChain::~FilterChain() { stream_.injected_.clear(); }

void FilterChain::Make(const FilterFactories& factories, size_t first) {
  const bool overridden = HasOverrides(stream_);
  for (size_t i = first; i < factories.size(); ++i) {
    const FilterFactory& factory = *factories[i];
    const bool disabled = overridden ? IsDisabled(stream_, factory) : factory.disabled;
    if (disabled && i + 1 < factories.size()) continue;
    std::unique_ptr<HttpFilter> filter = factory.Create(stream_);
    if (filter == nullptr) continue;  // It has nothing to do with this stream.
    Entry& entry = filters_.emplace_back(Entry{std::move(filter), &factory});
    entry.terminal = entry.filter->terminal();
  }
}

bool FilterChain::RemakeBehind(const HttpFilter& filter, const FilterFactory& factory,
                               const FilterFactories& factories) {
  Way& way = ways_[0];
  const bool holds = way.paused && way.part == Part::kHead && way.next < filters_.size() &&
                     filters_[way.next].filter.get() == &filter;
  const auto made = std::find_if(factories.begin(), factories.end(),
                                 [&](const auto& each) { return each.get() == &factory; });
  if (!holds || made == factories.end()) return false;
  const size_t kept = size_t{way.next} + 1;
  for (size_t i = kept; i < filters_.size(); ++i) filters_[i].filter->OnComplete();
  filters_.erase(filters_.begin() + static_cast<ptrdiff_t>(kept), filters_.end());
  Make(factories, static_cast<size_t>(made - factories.begin()) + 1);
  AskNeeds(Direction::kRequest, way);
  way.remade = true;
  return true;
}

bool FilterChain::RunWoken() {
  if (!stream_.woken_) return false;
  stream_.woken_ = false;
  for (Entry& entry : filters_) {
    if (!entry.filter->woken_) continue;
    entry.filter->woken_ = false;
    entry.filter->OnWake();
    if (stream_.reply_pending_ || stream_.aborted_) {
      stream_.woken_ = true;  // The others' turn comes once they know of it.
      break;
    }
  }
  return true;
}

FilterChain::Entry& FilterChain::EntryAt(Direction direction, uint8_t step) {
  return filters_[direction == Direction::kRequest ? step : filters_.size() - 1 - step];
}

void FilterChain::Resume(Direction direction) {
  const int d = static_cast<int>(direction);
  Way& way = ways_[d];
  const bool opens = way.paused && EntryAt(direction, way.next).filter->resumed_[d];
  for (Aside* aside = way.aside.get(); aside != nullptr; aside = aside->outer.get()) {
    aside->resumed |= EntryAt(direction, aside->next).filter->resumed_[d];
  }
  for (Entry& entry : filters_) entry.filter->resumed_[d] = false;
  if (!opens) return;
  way.paused = false;
  TakeAdded(way, direction == Direction::kRequest ? stream_.request_in : stream_.response_in);
  ++way.next;
  if (!std::exchange(way.remade, false)) return;
  // What the new filters want of the body may hold the head back at the door.
  way.part = Part::kNothing;
  way.head_start = way.next;
}

void FilterChain::StartLocalReply() {
  Way& request = ways_[0];
  request.paused = false;
  request.part = Part::kNothing;
  request.ended = true;
  request.head_passed = true;
  request.body.Clear();
  request.aside.reset();
  stream_.injected_.clear();
  ways_[1] = Way();
  stream_.awaited_[0] = stream_.awaited_[1] = 0;
  for (Entry& entry : filters_) entry.filter->OnLocalReply();
}

void FilterChain::Complete() {
  for (Entry& entry : filters_) entry.filter->OnComplete();
}

void FilterChain::AskNeeds(Direction direction, Way& way) {
  way.needs_known = true;
  way.buffers = false;
  way.shows_body = false;
  const int d = static_cast<int>(direction);
  for (Entry& entry : filters_) {
    const FilterFactory& factory = *entry.factory;
    BodyNeed& need = entry.needs[d];
    need = direction == Direction::kRequest
               ? entry.filter->RequestBodyNeed({factory.request_body, factory.buffer_limit})
               : entry.filter->ResponseBodyNeed({factory.response_body, factory.buffer_limit});
    way.shows_body |= WantsBody(need);
    if (need.mode != BodyMode::kBuffer && need.mode != BodyMode::kBegin) continue;
    if (factory.gate != nullptr && entry.answer != FilterGate::Answer::kRun) {
      entry.waived[d] = entry.answer == FilterGate::Answer::kSkip ||
                        factory.gate->Ask(stream_, direction) == FilterGate::Answer::kSkip;
      if (entry.waived[d]) {
        need = BodyNeed{};
        continue;
      }
    }
    way.buffers = true;
    // One byte more than the filter takes, or the excess would never be seen.
    uint64_t& limit = stream_.body_limit_[d];
    limit = std::max(limit, uint64_t{need.limit} + 1);
  }
}

// With a buffering filter the message waits at the door until it is whole, which is what its
// BodyMode promised; above the limit it is refused.
bool FilterChain::BufferingStops(Direction direction, Way& way, const Parts& in) {
  if (in.head && !way.needs_known) AskNeeds(direction, way);
  if (!way.buffers || way.ended) return false;
  const auto& framing =
      direction == Direction::kRequest ? stream_.request.framing : stream_.response.framing;
  if (framing.kind == http::Framing::kTunnel) return false;                   // It is never whole.
  if (direction == Direction::kResponse && stream_.replied_) return !in.end;  // Ours: no limit.
  bool waits = false;
  for (const Entry& entry : filters_) {
    const BodyNeed& need = entry.needs[static_cast<int>(direction)];
    waits |= need.mode == BodyMode::kBuffer ||
             (need.mode == BodyMode::kBegin && !way.head_passed && in.body.size() < need.limit);
    if (need.mode != BodyMode::kBuffer || in.body.size() <= need.limit) continue;
    if (direction == Direction::kRequest) {
      stream_.http_stats.downstream_rq_too_large.Inc();
      stream_.Reply(413, "Payload Too Large", "request_payload_too_large", 0);
    } else {
      stream_.Reply(500, "Internal Server Error", "response_payload_too_large", 0);
    }
    return true;
  }
  return waits && !in.end;
}

// Takes the next part of `in` in hand. False when there is none.
bool FilterChain::Take(Way& way, Parts& in, bool wait_for_end) const {
  if (way.part != Part::kNothing) return true;
  if (way.ended || wait_for_end) return false;
  way.next = way.start;
  if (!way.head_passed) {
    if (!in.head) return false;
    way.next = std::max(way.start, way.head_start);
    way.part = Part::kHead;
    way.end_in_hand = in.end && in.body.empty() && in.trailers == nullptr;
    return true;
  }
  if (!in.body.empty() || (in.end && in.trailers == nullptr)) {
    way.part = Part::kBody;
    way.body = std::move(in.body);
    way.end_in_hand = in.end && in.trailers == nullptr;
    return true;
  }
  if (in.trailers == nullptr || !in.end) return false;  // More fields may come.
  way.part = Part::kTrailers;
  way.end_in_hand = true;
  return true;
}

// It overtakes what its filter holds, and nothing else: another filter may be at work on the body
// that it holds.
void FilterChain::TakeInjected(Direction direction, Way& way) {
  if (!way.head_passed || way.ended) return;
  auto& injected = stream_.injected_;
  for (auto it = injected.begin(); it != injected.end(); ++it) {
    if (it->direction != direction) continue;
    uint8_t step = 0;
    while (EntryAt(direction, step).filter.get() != it->filter) ++step;
    if (way.part != Part::kNothing && (!way.paused || way.next != step)) continue;
    if (way.part != Part::kNothing) {
      way.aside = std::make_unique<Aside>(Aside{way.part, way.next, way.end_in_hand, false,
                                                std::move(way.body), std::move(way.aside)});
    }
    way.part = Part::kBody;
    way.next = static_cast<uint8_t>(step + 1);
    way.end_in_hand = false;
    way.paused = false;
    way.body = std::move(it->body);
    HttpFilter& filter = *it->filter;
    injected.erase(it);
    stream_.Wake(filter);
    return;
  }
}

void FilterChain::PutBack(Direction direction, Way& way) {
  const std::unique_ptr<Aside> aside = std::move(way.aside);
  way.aside = std::move(aside->outer);
  way.part = aside->part;
  way.next = aside->next;
  way.end_in_hand = aside->end_in_hand;
  way.body = std::move(aside->body);
  way.paused = true;
  if (aside->resumed) stream_.Resume(*EntryAt(direction, way.next).filter, direction);
}

void FilterChain::Deliver(Way& way, Parts& in, Parts& out) {
  switch (way.part) {
    case Part::kHead:
      way.head_passed = true;
      out.head = true;
      break;
    case Part::kBody:
      out.body.Append(std::move(way.body));
      break;
    case Part::kTrailers:
      out.trailers = in.trailers;
      in.trailers = nullptr;
      break;
    case Part::kNothing:
      break;
  }
  way.part = Part::kNothing;
  if (way.end_in_hand) {
    way.ended = true;
    out.end = true;
  }
}

Verdict FilterChain::CallRequest(Entry& entry, Way& way) {
  if (way.part == Part::kHead) {
    return entry.filter->OnRequestHeaders(stream_.request, way.end_in_hand);
  }
  if (way.part == Part::kTrailers) {
    return entry.filter->OnRequestTrailers(*stream_.request_in.trailers);
  }
  if (!WantsBody(entry.needs[0])) return Verdict::kContinue;
  return entry.filter->OnRequestBody(way.body, way.end_in_hand);
}

Verdict FilterChain::CallResponse(Entry& entry, Way& way) {
  if (way.part == Part::kHead) {
    return entry.filter->OnResponseHeaders(stream_.response, way.end_in_hand);
  }
  if (way.part == Part::kTrailers) {
    return entry.filter->OnResponseTrailers(*stream_.response_in.trailers);
  }
  if (!WantsBody(entry.needs[1])) return Verdict::kContinue;
  return entry.filter->OnResponseBody(way.body, way.end_in_hand);
}

void FilterChain::TakeAdded(Way& way, Parts& in) {
  const uint8_t after = static_cast<uint8_t>(way.next + 1);
  if (way.part == Part::kTrailers) {
    if (stream_.added_body.empty() && !in.trailers->empty()) return;
    way.part = Part::kBody;
    way.body = std::move(stream_.added_body);
    way.start = after;
    way.end_in_hand = in.trailers->empty();
    if (way.end_in_hand) in.trailers = nullptr;
    return;
  }
  if (!stream_.added_body.empty()) {
    DCHECK(way.part == Part::kHead && way.end_in_hand);
    in.body.Append(std::move(stream_.added_body));
  }
  if (!way.end_in_hand) return;
  way.end_in_hand = in.trailers == nullptr && (way.part == Part::kBody || in.body.empty());
  if (!way.end_in_hand) way.start = after;
}

// Filters before this one may have changed what the gate goes by. One that was to see the whole
// body, and was not waited for, must not let the message pass on less.
bool FilterChain::GateSkips(Entry& entry, Direction direction, Part part) {
  if (part == Part::kHead && entry.answer == FilterGate::Answer::kUnknown) {
    entry.answer = entry.factory->gate->Decide(stream_, direction);
    if (entry.answer == FilterGate::Answer::kRefuse) {
      entry.answer = FilterGate::Answer::kSkip;
      // An answer of our own needs no guard, and is not answered once more.
      if (!stream_.replied()) {
        stream_.Reply(500, "Internal Server Error", "filter_gate_undecided", 0);
      }
      return true;
    }
    if (entry.waived[static_cast<int>(direction)] && entry.answer != FilterGate::Answer::kSkip) {
      stream_.Reply(500, "Internal Server Error", "filter_gate_opened_without_body", 0);
      return true;
    }
  }
  return entry.answer == FilterGate::Answer::kSkip;
}

bool FilterChain::RunPart(Direction direction, Way& way) {
  const bool request = direction == Direction::kRequest;
  Parts& in = request ? stream_.request_in : stream_.response_in;
  const size_t count = filters_.size();
  if (way.part == Part::kBody && !way.shows_body) way.next = static_cast<uint8_t>(count);
  for (; way.next < count; ++way.next) {
    Entry& entry = EntryAt(direction, way.next);
    if (entry.terminal) continue;  // It takes from request_out.
    if (entry.factory->gate != nullptr && GateSkips(entry, direction, way.part)) {
      if (stream_.reply_pending_) return false;
      continue;
    }
    if (way.part == Part::kHead) {
      RunAhead([this, direction](uint8_t step) -> Entry& { return EntryAt(direction, step); },
               way.next, direction, in, LooksAhead(entry.needs[static_cast<int>(direction)]));
      if (stream_.reply_pending_ || stream_.aborted_) return false;
    }
    const Verdict verdict = request ? CallRequest(entry, way) : CallResponse(entry, way);
    if (stream_.reply_pending_ || stream_.aborted_) {
      stream_.added_body.Clear();
      return false;
    }
    const bool followed = in.trailers != nullptr || !in.body.empty();
    if (!stream_.added_body.empty() || (way.end_in_hand && followed)) TakeAdded(way, in);
    if (verdict != Verdict::kContinue) {
      way.paused = true;
      return false;
    }
  }
  return true;
}

bool FilterChain::WakeAwaiting(Direction direction, const Parts& in) {
  const int d = static_cast<int>(direction);
  const Way& way = ways_[d];
  if (stream_.awaited_[d] == 0 || way.part != Part::kHead) return false;
  RunAhead([this, direction](uint8_t step) -> Entry& { return EntryAt(direction, step); }, way.next,
           direction, direction == Direction::kRequest ? stream_.request_in : stream_.response_in,
           /*looks=*/true);
  if (stream_.reply_pending_ || stream_.aborted_) return true;
  if (in.end || in.body.size() > stream_.awaited_[d]) {
    stream_.awaited_[d] = 0;
    stream_.Wake(*EntryAt(direction, way.next).filter);
    return true;
  }
  // It was held back before more of it was asked for.
  if (direction == Direction::kRequest || !stream_.response_held_back) return false;
  if (in.body.size() >= stream_.body_limit_[d]) return false;
  stream_.response_held_back = false;
  stream_.Wake(*terminal());
  return true;
}

namespace {

// Whether a direction is over or has not begun, as one of the two is in most rounds of the pump.
bool NothingComes(bool ended, bool head_passed, const Parts& in) {
  return ended || (!head_passed && !in.head);
}

}  // namespace

bool FilterChain::MoveRequest() {
  Way& way = ways_[0];
  bool moved = false;
  if (filters_.empty()) return false;  // A request that was refused before it had a chain.
  if (!stream_.injected_.empty() &&
      stream_.request_out.body.size() < base::limits::kStreamBufferBytes) {
    TakeInjected(Direction::kRequest, way);
  }
  if (way.paused) return WakeAwaiting(Direction::kRequest, stream_.request_in);
  if (way.part == Part::kNothing && NothingComes(way.ended, way.head_passed, stream_.request_in)) {
    return false;
  }
  HttpFilter& last = *filters_.back().filter;
  while (!way.paused && !stream_.aborted_) {
    const bool wait = (way.buffers || !way.needs_known) &&
                      BufferingStops(Direction::kRequest, way, stream_.request_in);
    if (stream_.reply_pending_ || !Take(way, stream_.request_in, wait)) break;
    if (!RunPart(Direction::kRequest, way)) break;
    const Part part = way.part;
    Deliver(way, stream_.request_in, stream_.request_out);
    moved = true;
    if (part == Part::kHead) {
      last.OnRequestHeaders(stream_.request, stream_.request_out.end);
    } else if (part == Part::kBody) {
      last.OnRequestBody(stream_.request_out.body, stream_.request_out.end);
    } else {
      last.OnRequestTrailers(*stream_.request_out.trailers);
    }
    if (way.aside != nullptr) PutBack(Direction::kRequest, way);
    if (stream_.reply_pending_) break;
  }
  return moved;
}

bool FilterChain::MoveResponse() {
  Way& way = ways_[1];
  bool moved = false;
  if (!stream_.injected_.empty() &&
      stream_.response_out.body.size() < base::limits::kStreamBufferBytes) {
    TakeInjected(Direction::kResponse, way);
  }
  if (way.paused) return WakeAwaiting(Direction::kResponse, stream_.response_in);
  if (way.part == Part::kNothing && NothingComes(way.ended, way.head_passed, stream_.response_in)) {
    return false;
  }
  while (!way.paused && !stream_.aborted_) {
    // What the codec has no room for stays at the door, where it holds the source back.
    if (way.part == Part::kNothing &&
        stream_.response_out.body.size() >= base::limits::kStreamBufferBytes) {
      break;
    }
    const bool wait = (way.buffers || !way.needs_known) &&
                      BufferingStops(Direction::kResponse, way, stream_.response_in);
    if (stream_.reply_pending_ || !Take(way, stream_.response_in, wait)) break;
    if (!RunPart(Direction::kResponse, way)) break;
    Deliver(way, stream_.response_in, stream_.response_out);
    moved = true;
    if (way.aside != nullptr) PutBack(Direction::kResponse, way);
  }
  return moved;
}

}  // namespace proxenos::filter
