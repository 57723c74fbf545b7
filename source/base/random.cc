// Seeding of the generator.
#include "source/base/random.h"

#include <sys/random.h>

#include "source/base/check.h"

namespace proxenos::base {

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {  // splitmix64: any seed gives a good, never all-zero, state.
    seed += 0x9e3779b97f4a7c15u;
    uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    word = mixed ^ (mixed >> 31);
  }
}

uint64_t RandomSeed() {
  uint64_t seed = 0;
  CHECK(getrandom(&seed, sizeof(seed), 0) == static_cast<ssize_t>(sizeof(seed)));
  return seed;
}

}  // namespace proxenos::base
