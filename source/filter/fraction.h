// Fraction: a share of requests, by a number drawn for each: core.v3.RuntimeFractionalPercent
// without the runtime.
#pragma once

#include <cstdint>

namespace proxenos::filter {

struct Fraction {
  uint32_t numerator = 0;
  uint32_t denominator = 100;

  bool Holds(uint64_t random) const { return random % denominator < numerator; }

  static constexpr Fraction All() { return Fraction{100, 100}; }
  static constexpr Fraction None() { return Fraction{0, 100}; }
};

}  // namespace proxenos::filter
