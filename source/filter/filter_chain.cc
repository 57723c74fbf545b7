// The moving of message parts through filters.
#include "source/filter/filter_chain.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/base/limits.h"

namespace proxenos::filter {
namespace {

BodyMode ModeOf(const FilterFactory& factory, Direction direction) {
  return direction == Direction::kRequest ? factory.request_body : factory.response_body;
}

}  // namespace

FilterChain::FilterChain(const FilterFactories& factories, StreamContext& stream)
    : stream_(stream) {
  filters_.reserve(factories.size());
  for (const auto& factory : factories) {
    filters_.push_back(Entry{factory->Create(stream), factory.get()});
    buffers_[0] |= factory->request_body == BodyMode::kBuffer;
    buffers_[1] |= factory->response_body == BodyMode::kBuffer;
    // One byte more than the filter takes, or the excess would never be seen.
    const uint64_t enough = uint64_t{factory->buffer_limit} + 1;
    for (const Direction direction : {Direction::kRequest, Direction::kResponse}) {
      if (ModeOf(*factory, direction) != BodyMode::kBuffer) continue;
      uint64_t& limit = stream.body_limit_[static_cast<int>(direction)];
      limit = std::max(limit, enough);
    }
  }
}

FilterChain::~FilterChain() = default;

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

HttpFilter& FilterChain::FilterAt(Direction direction, uint8_t step) const {
  const size_t index = direction == Direction::kRequest ? step : filters_.size() - 1 - step;
  return *filters_[index].filter;
}

void FilterChain::Resume(Direction direction) {
  const int d = static_cast<int>(direction);
  Way& way = ways_[d];
  const bool opens = way.paused && FilterAt(direction, way.next).resumed_[d];
  for (Entry& entry : filters_) entry.filter->resumed_[d] = false;
  if (!opens) return;
  way.paused = false;
  ++way.next;
}

void FilterChain::StartLocalReply() {
  Way& request = ways_[0];
  request.paused = false;
  request.part = Part::kNothing;
  request.ended = true;
  request.head_passed = true;
  request.body.Clear();
  ways_[1] = Way();
  for (Entry& entry : filters_) entry.filter->OnLocalReply();
}

void FilterChain::Complete() {
  for (Entry& entry : filters_) entry.filter->OnComplete();
}

// With a buffering filter the message waits at the door until it is whole, which is what its
// BodyMode promised; above the limit it is refused.
bool FilterChain::BufferingStops(Direction direction, const Way& way, const Parts& in) {
  if (!buffers_[static_cast<int>(direction)] || in.end || way.ended || !in.head) return false;
  const auto& framing =
      direction == Direction::kRequest ? stream_.request.framing : stream_.response.framing;
  if (framing.kind == http::Framing::kTunnel) return false;  // It is never whole.
  for (const Entry& entry : filters_) {
    if (ModeOf(*entry.factory, direction) != BodyMode::kBuffer ||
        in.body.size() <= entry.factory->buffer_limit) {
      continue;
    }
    if (direction == Direction::kRequest) {
      stream_.Reply(413, "Payload Too Large", "request_payload_too_large", 0);
    } else {
      stream_.Reply(500, "Internal Server Error", "response_payload_too_large", 0);
    }
    break;
  }
  return true;
}

// Takes the next part of `in` in hand. False when there is none.
bool FilterChain::Take(Way& way, Parts& in, bool wait_for_end) const {
  if (way.part != Part::kNothing) return true;
  if (way.ended || wait_for_end) return false;
  way.next = 0;
  if (!way.head_passed) {
    if (!in.head) return false;
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

bool FilterChain::RunRequestPart(Way& way) {
  for (; way.next < filters_.size(); ++way.next) {
    HttpFilter& filter = *filters_[way.next].filter;
    if (filter.terminal()) continue;  // It takes from request_out.
    Verdict verdict = Verdict::kContinue;
    if (way.part == Part::kHead) {
      verdict = filter.OnRequestHeaders(stream_.request, way.end_in_hand);
    } else if (way.part == Part::kTrailers) {
      verdict = filter.OnRequestTrailers(*stream_.request_in.trailers);
    } else if (filters_[way.next].factory->request_body != BodyMode::kNone) {
      verdict = filter.OnRequestBody(way.body, way.end_in_hand);
    }
    if (stream_.reply_pending_ || stream_.aborted_) return false;
    if (verdict != Verdict::kContinue) {
      way.paused = true;
      return false;
    }
  }
  return true;
}

bool FilterChain::RunResponsePart(Way& way) {
  for (; way.next < filters_.size(); ++way.next) {
    Entry& entry = filters_[filters_.size() - 1 - way.next];
    if (entry.filter->terminal()) continue;
    Verdict verdict = Verdict::kContinue;
    if (way.part == Part::kHead) {
      verdict = entry.filter->OnResponseHeaders(stream_.response, way.end_in_hand);
    } else if (way.part == Part::kTrailers) {
      verdict = entry.filter->OnResponseTrailers(*stream_.response_in.trailers);
    } else if (entry.factory->response_body != BodyMode::kNone) {
      verdict = entry.filter->OnResponseBody(way.body, way.end_in_hand);
    }
    if (stream_.reply_pending_ || stream_.aborted_) return false;
    if (verdict != Verdict::kContinue) {
      way.paused = true;
      return false;
    }
  }
  return true;
}

bool FilterChain::MoveRequest() {
  Way& way = ways_[0];
  bool moved = false;
  if (filters_.empty()) return false;  // A request that was refused before it had a chain.
  HttpFilter& last = *filters_.back().filter;
  while (!way.paused && !stream_.aborted_) {
    const bool wait = BufferingStops(Direction::kRequest, way, stream_.request_in);
    if (stream_.reply_pending_ || !Take(way, stream_.request_in, wait)) break;
    const Part part = way.part;
    if (!RunRequestPart(way)) break;
    Deliver(way, stream_.request_in, stream_.request_out);
    moved = true;
    if (part == Part::kHead) {
      last.OnRequestHeaders(stream_.request, stream_.request_out.end);
    } else if (part == Part::kBody) {
      last.OnRequestBody(stream_.request_out.body, stream_.request_out.end);
    } else {
      last.OnRequestTrailers(*stream_.request_out.trailers);
    }
    if (stream_.reply_pending_) break;
  }
  return moved;
}

bool FilterChain::MoveResponse() {
  Way& way = ways_[1];
  bool moved = false;
  while (!way.paused && !stream_.aborted_) {
    // What the codec has no room for stays at the door, where it holds the source back.
    if (way.part == Part::kNothing &&
        stream_.response_out.body.size() >= base::limits::kStreamBufferBytes) {
      break;
    }
    const bool wait = BufferingStops(Direction::kResponse, way, stream_.response_in);
    if (stream_.reply_pending_ || !Take(way, stream_.response_in, wait)) break;
    if (!RunResponsePart(way)) break;
    Deliver(way, stream_.response_in, stream_.response_out);
    moved = true;
  }
  return moved;
}

}  // namespace proxenos::filter
