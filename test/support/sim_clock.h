// SimClock: time that moves only when a test says so.
#pragma once

#include "source/base/clock.h"

namespace proxenos::testing {

// Thread: one.
class SimClock final : public base::Clock {
 public:
  // Not zero, which means "has not happened" in much of the data path.
  base::MonoTime Mono() override { return mono_ += tick_; }
  base::WallTime Wall() override { return wall_; }

  void Advance(base::Nanos by) {
    mono_ += by;
    wall_ += by / base::kMicrosecond;
  }
  // From now on each look finds that so much time has gone by.
  void TickOnRead(base::Nanos by) { tick_ = by; }
  // Moves wall time alone, as an administrator or NTP does.
  void SetWall(base::WallTime wall) { wall_ = wall; }

 private:
  base::Nanos tick_ = 0;
  base::MonoTime mono_ = 1000 * base::kSecond;
  base::WallTime wall_ = 1795320701173646;  // 2026-11-22T04:11:41.173646Z
};

}  // namespace proxenos::testing
