// RequestRate: ApiConfigSource.rate_limit_settings: a token bucket for the requests of one stream.
#pragma once

#include <algorithm>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"

namespace proxenos::xds {

struct RequestRateOptions {
  double max_tokens = 100;
  double tokens_per_second = 10;
};

// Owner: an AdsStream. Thread: the main loop's.
class RequestRate {
 public:
  // `due` is called when a token that was missing is there.
  RequestRate(event::TimerWheel& timers, RequestRateOptions options, absl::AnyInvocable<void()> due)
      : timers_(timers),
        options_(options),
        tokens_(options.max_tokens),
        filled_at_(timers.now()),
        timer_(timers, std::move(due)) {}

  // Takes a token, or sees to it that `due` is called.
  bool Take() {
    const base::MonoTime now = timers_.now();
    const double seconds =
        static_cast<double>(now - filled_at_) / static_cast<double>(base::kSecond);
    tokens_ = std::min(options_.max_tokens, tokens_ + seconds * options_.tokens_per_second);
    filled_at_ = now;
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return true;
    }
    const double wait_s = (1 - tokens_) / options_.tokens_per_second;
    // Rounded up: a timer that is a little early would find nothing.
    timer_.ArmIn(static_cast<base::Nanos>(wait_s * static_cast<double>(base::kSecond)) +
                 base::kMillisecond);
    return false;
  }

 private:
  event::TimerWheel& timers_;
  const RequestRateOptions options_;
  double tokens_;
  base::MonoTime filled_at_;
  event::Timer timer_;
};

}  // namespace proxenos::xds
