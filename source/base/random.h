// A fast seeded generator (xoshiro256++) for choices that are not secrets: balancing, sampling,
// jitter, request ids. Deterministic for a seed, so a failing test can be replayed.
#pragma once

#include <array>
#include <cstdint>

namespace proxenos::base {

// Thread: one.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t Next() {
    const uint64_t result = Rotate(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }

 private:
  static uint64_t Rotate(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

  std::array<uint64_t, 4> state_;
};

// A seed from the kernel's entropy.
uint64_t RandomSeed();

}  // namespace proxenos::base
