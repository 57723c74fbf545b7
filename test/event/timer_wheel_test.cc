// The timer wheel: never early, never late by more than a tick, whatever is armed meanwhile.
#include "source/event/timer_wheel.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace proxenos::event {
namespace {

using base::kMillisecond;
using base::kSecond;
using base::MonoTime;

constexpr MonoTime kStart = 123456 * kSecond + 789;

// Timers with what the simplest possible implementation would do beside them.
class Reference {
 public:
  explicit Reference(uint64_t seed) : random_(seed), wheel_(kStart), deadlines_(kTimers) {
    for (size_t i = 0; i < kTimers; ++i) {
      timers_.push_back(std::make_unique<Timer>(wheel_, [this, i] { Fired(i); }));
      deadlines_[i] = base::kNever;
    }
  }

  void Step() {
    const size_t i = random_.Below(kTimers);
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        Arm(i, Delay());
        break;
      case 3:
        timers_[i]->Disarm();
        deadlines_[i] = base::kNever;
        break;
      case 4:  // Destroyed and made anew.
        timers_[i] = std::make_unique<Timer>(wheel_, [this, i] { Fired(i); });
        deadlines_[i] = base::kNever;
        break;
      case 5:
        AdvanceTo(now_ + static_cast<base::Nanos>(random_.Below(3 * kMillisecond)));
        break;
      case 6:
        AdvanceTo(now_ + Delay());
        break;
      case 7: {
        // To when the wheel asks to be called: it must not be later than any deadline's tick.
        const MonoTime next = wheel_.NextDeadline();
        const MonoTime first = *std::min_element(deadlines_.begin(), deadlines_.end());
        if (first == base::kNever) break;
        ASSERT_LE(next, first + kMillisecond);
        AdvanceTo(std::max(next, now_));
        break;
      }
    }
  }

 private:
  static constexpr size_t kTimers = 40;

  base::Nanos Delay() {
    // Of all magnitudes, from below a tick to beyond the wheel's two years.
    const int bits = static_cast<int>(random_.Below(57));
    return static_cast<base::Nanos>(random_.Below((uint64_t{1} << bits) + 1));
  }

  void Arm(size_t i, base::Nanos delay) {
    timers_[i]->ArmIn(delay);
    deadlines_[i] = now_ + delay;
    ASSERT_TRUE(timers_[i]->armed());
  }

  void Fired(size_t i) {
    ASSERT_NE(deadlines_[i], base::kNever) << "fired without being armed";
    ASSERT_LE(deadlines_[i], now_) << "fired early";
    deadlines_[i] = base::kNever;
    if (random_.Below(4) == 0) Arm(i, Delay());                       // Re-arms itself,
    if (random_.Below(4) == 0) Arm(random_.Below(kTimers), Delay());  // or another,
    if (random_.Below(4) == 0) {                                      // or stops another.
      const size_t other = random_.Below(kTimers);
      timers_[other]->Disarm();
      deadlines_[other] = base::kNever;
    }
  }

  void AdvanceTo(MonoTime now) {
    now_ = now;
    wheel_.Advance(now);
    for (size_t i = 0; i < kTimers; ++i) {
      // At most a tick late; what was armed for "now" in this very step comes with the next.
      if (deadlines_[i] == base::kNever) continue;
      ASSERT_GT(deadlines_[i] + kMillisecond, now_) << "late";
    }
  }

  base::Random random_;
  TimerWheel wheel_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<MonoTime> deadlines_;
  MonoTime now_ = kStart;
};

TEST(TimerWheel, AgreesWithASortedReference) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Reference reference(seed);
    for (int i = 0; i < 3000 && !::testing::Test::HasFatalFailure(); ++i) reference.Step();
  }
}

TEST(TimerWheel, EveryDistanceFiresInItsTick) {
  for (uint64_t ms : {1ull, 2ull, 63ull, 64ull, 65ull, 4095ull, 4096ull, 4097ull, 262143ull,
                      262144ull, 16777216ull, 1073741824ull, 68719476735ull, 68719476736ull}) {
    for (uint64_t offset : {0ull, 1ull, 62ull, 63ull, 64ull, 4095ull, 68719476735ull}) {
      const MonoTime start = static_cast<MonoTime>((1000 + offset) * kMillisecond);
      TimerWheel wheel(start);
      int fired = 0;
      Timer timer(wheel, [&fired] { ++fired; });
      const MonoTime deadline = start + static_cast<MonoTime>(ms) * kMillisecond;
      timer.ArmAt(deadline);
      // As the loop does it: from one asked-for instant to the next.
      int wakes = 0;
      while (wheel.NextDeadline() < deadline) {
        ASSERT_EQ(wheel.Advance(wheel.NextDeadline()), 0) << ms << " from " << offset;
        ASSERT_LT(++wakes, 20);
      }
      wheel.Advance(deadline);
      EXPECT_EQ(fired, 1) << ms << " from " << offset;
      EXPECT_FALSE(timer.armed());
    }
  }
}

TEST(TimerWheel, NothingToWaitFor) {
  TimerWheel wheel(kStart);
  EXPECT_EQ(wheel.NextDeadline(), base::kNever);
}

TEST(TimerWheel, ArmingForNeverDisarms) {
  TimerWheel wheel(kStart);
  int fired = 0;
  Timer timer(wheel, [&fired] { ++fired; });
  timer.ArmAt(base::kNever);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.NextDeadline(), base::kNever);
  timer.ArmIn(kSecond);
  timer.ArmIn(base::kNever - 1);  // Beyond the end of time.
  EXPECT_FALSE(timer.armed());
  wheel.Advance(kStart + 10 * kSecond);
  EXPECT_EQ(fired, 0);
}

TEST(TimerWheel, WhatIsDueFiresInTheNextAdvance) {
  TimerWheel wheel(kStart);
  int fired = 0;
  Timer zero(wheel, [&fired] { ++fired; });
  Timer negative(wheel, [&fired] { ++fired; });
  zero.ArmAt(0);
  negative.ArmIn(-2 * kStart);
  EXPECT_LE(wheel.NextDeadline(), kStart);
  wheel.Advance(kStart);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(wheel.NextDeadline(), base::kNever);
}

TEST(TimerWheel, WhatIsDueMayBePutOffAndWhatWaitsMayBecomeDue) {
  TimerWheel wheel(kStart);
  int put_off = 0;
  int due = 0;
  Timer first(wheel, [&put_off] { ++put_off; });
  Timer second(wheel, [&due] { ++due; });
  first.ArmIn(0);
  first.ArmIn(5 * kMillisecond);
  second.ArmIn(kMillisecond / 2);
  second.Disarm();
  second.ArmIn(0);
  wheel.Advance(kStart);
  EXPECT_EQ(put_off, 0);
  EXPECT_EQ(due, 1);
  wheel.Advance(kStart + 6 * kMillisecond);
  EXPECT_EQ(put_off, 1);
  EXPECT_EQ(due, 1);
}

TEST(TimerWheel, ReArmingWithoutDelayDoesNotSpin) {
  TimerWheel wheel(kStart);
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace(wheel, [&] {
    ++fired;
    timer->ArmIn(0);
  });
  timer->ArmIn(0);
  wheel.Advance(kStart);
  EXPECT_EQ(fired, 1);
  wheel.Advance(kStart);
  EXPECT_EQ(fired, 2);
}

}  // namespace
}  // namespace proxenos::event
