// Doubled: how long to wait at most before the next of several tries.
#pragma once

#include <algorithm>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::base {

// `first`, doubled so many times, but no more than `most`; never overflows. REQUIRES: both are at
// least 0.
constexpr Nanos Doubled(Nanos first, uint32_t doublings, Nanos most) {
  const uint32_t shift = std::min(doublings, 62u);
  return (most >> shift) >= first ? first << shift : most;
}

}  // namespace proxenos::base
