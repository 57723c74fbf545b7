// Time: the one interface through which anything learns it, so that tests can own it.
//
// Durations and instants of the data path are plain int64 nanoseconds (MonoTime) or microseconds
// (WallTime): comparing and storing them costs what an integer costs.
#pragma once

#include <cstdint>

namespace proxenos::base {

using MonoTime = int64_t;  // Nanoseconds of a clock that never goes back; its zero means nothing.
using WallTime = int64_t;  // Microseconds since the Unix epoch, UTC.
using Nanos = int64_t;

inline constexpr Nanos kMicrosecond = 1000;
inline constexpr Nanos kMillisecond = 1000 * kMicrosecond;
inline constexpr Nanos kSecond = 1000 * kMillisecond;
inline constexpr MonoTime kNever = INT64_MAX;

// Two implementations: RealClock here, SimClock in test/support. Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime Mono() = 0;
  virtual WallTime Wall() = 0;
};

class RealClock final : public Clock {
 public:
  MonoTime Mono() override;
  WallTime Wall() override;
};

}  // namespace proxenos::base
