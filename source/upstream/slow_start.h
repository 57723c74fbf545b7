// SlowStart: a host that has just come into rotation gets a small share of the requests at first,
// which grows to its whole one (load_balancing_policies.common.v3.SlowStartConfig).
//
// Invariant: immutable once compiled.
#pragma once

#include <algorithm>
#include <cmath>

#include "source/base/clock.h"

namespace proxenos::upstream {

struct SlowStart {
  base::Nanos window = 0;  // More than 0.
  double aggression = 1;   // More than 0; with 1 the share grows at an even pace.
  double least_share = 0.1;

  // The part of its share that a host gets so long after it came into rotation: up to 1.
  double ShareAfter(base::Nanos elapsed) const {
    if (elapsed >= window) return 1;
    const double time =
        static_cast<double>(std::max(elapsed, base::kMillisecond)) / static_cast<double>(window);
    const double share = aggression == 1 ? time : std::pow(time, 1 / aggression);
    return std::min(1.0, std::max(share, least_share));
  }
  // How often the shares of those that start are worked out again.
  base::Nanos step() const {
    return std::clamp(window / 100, 10 * base::kMillisecond, base::kSecond);
  }
};

}  // namespace proxenos::upstream
