// SuccessHistory: how many of the requests of the last seconds succeeded, as one worker saw them.
//
// A sum by second, so a window of an hour costs 3600 of them at most. Owner: the filter's part of a
// worker. Thread: the worker's.
#pragma once

#include <cstdint>
#include <deque>

#include "source/base/clock.h"

namespace proxenos::filters::admission_control {

class SuccessHistory {
 public:
  struct Counts {
    uint64_t requests = 0;
    uint64_t successes = 0;
  };

  explicit SuccessHistory(base::Nanos window) : window_(window) {}

  void Record(bool success, base::MonoTime now);
  // Of the window that ends now.
  Counts CountsAt(base::MonoTime now);
  // Requests per second since the oldest of them.
  uint64_t RateAt(base::MonoTime now);

 private:
  struct Second {
    base::MonoTime begin;
    Counts counts;
  };
  void Forget(base::MonoTime now);

  const base::Nanos window_;
  std::deque<Second> seconds_;  // Oldest first.
  Counts sum_;                  // Of all of them.
};

}  // namespace proxenos::filters::admission_control
