// PacedBody: one direction's body at a pace: of each piece goes on what may, the rest bit by bit,
// with its last byte in hand until all before that has gone.
//
// Owner: a filter, which hands it the pieces and its wakes. Thread: the stream's worker.
#pragma once

#include "source/base/byte_pace.h"
#include "source/buffer/buffer.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filter {

class PacedBody {
 public:
  // Both outlive it.
  PacedBody(StreamContext& stream, HttpFilter& filter, Direction direction);

  // The filter's call with a piece of the body; kPause where `pace`, which outlives the wait, does
  // not let all of it go now.
  Verdict OnBody(base::BytePace& pace, buffer::Buffer& body);
  // Of the filter.
  void OnWake();
  // What waits is not wanted any more.
  void Drop();

  // Whether a piece, or the rest of one, waits.
  bool waits() const { return pace_ != nullptr; }

 private:
  void Inject(uint64_t bytes);

  StreamContext& stream_;
  HttpFilter& filter_;
  const Direction direction_;
  base::BytePace* pace_ = nullptr;  // While something waits.
  buffer::Buffer rest_;             // All that waits but its last byte, which the chain holds.
  bool paid_ = false;               // All of it may go, once the wait is over.
  bool due_ = false;                // The wait is over.
  event::Timer timer_;
};

}  // namespace proxenos::filter
