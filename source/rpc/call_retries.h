// CallRetries: when a call of a filter's own is made again (core.v3.RetryPolicy).
#pragma once

#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::rpc {

// Thread: any (immutable).
struct CallRetries {
  uint32_t on = 0;    // route::RetryOn bits.
  uint32_t most = 0;  // 0: a call is made once.
  base::Nanos back_off = 25 * base::kMillisecond;
  base::Nanos back_off_max = 250 * base::kMillisecond;

  // Before the next try, when there have been `tries`: doubles each time, up to the most.
  base::Nanos PauseAfter(uint32_t tries) const {
    base::Nanos pause = back_off;
    for (uint32_t i = 1; i < tries && pause < back_off_max; ++i) pause *= 2;
    return pause < back_off_max ? pause : back_off_max;
  }
};

}  // namespace proxenos::rpc
