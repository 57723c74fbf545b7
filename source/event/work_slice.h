// WorkSlice: how long one piece of work may keep the loop, when there is more of it than a turn
// should bear: whoever does it asks over() between its steps and goes on in a later turn.
#pragma once

#include "source/base/clock.h"
#include "source/event/event_loop.h"

namespace proxenos::event {

class WorkSlice {
 public:
  // A turn that also has a request to the admin endpoint to answer stays under 10 ms with it.
  static constexpr base::Nanos kLength = 4 * base::kMillisecond;

  explicit WorkSlice(EventLoop& loop, base::Nanos length = kLength)
      : loop_(loop), end_(loop.ReadClock() + length) {}

  bool over() const { return loop_.ReadClock() >= end_; }

 private:
  EventLoop& loop_;
  const base::MonoTime end_;
};

}  // namespace proxenos::event
