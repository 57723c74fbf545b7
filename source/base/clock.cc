// The kernel's clocks.
#include "source/base/clock.h"

#include <ctime>

namespace proxenos::base {
namespace {

int64_t Read(clockid_t id, int64_t unit_per_second) {
  timespec now;
  clock_gettime(id, &now);
  return now.tv_sec * unit_per_second + now.tv_nsec / (1000000000 / unit_per_second);
}

}  // namespace

MonoTime RealClock::Mono() { return Read(CLOCK_MONOTONIC, 1000000000); }

WallTime RealClock::Wall() { return Read(CLOCK_REALTIME, 1000000); }

}  // namespace proxenos::base
