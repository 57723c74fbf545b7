// Placing, cascading and firing of timers.
#include "source/event/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace proxenos::event {
namespace {

constexpr base::Nanos kTick = base::kMillisecond;

// Rounded up, so that a timer never fires before its deadline.
uint64_t TickOf(base::MonoTime deadline) {
  if (deadline <= 0) return 0;  // Long past: at the next tick.
  return (static_cast<uint64_t>(deadline) + kTick - 1) / kTick;
}

}  // namespace

void Timer::ArmAt(base::MonoTime deadline) {
  deadline_ = deadline;
  if (deadline == base::kNever) return;  // The same as Disarm.
  // Moved on when its slot comes up.
  if (linked() && deadline > wheel_.now() && placed_tick_ <= TickOf(deadline)) return;
  Unlink();
  wheel_.Place(this);
}

void Timer::ArmIn(base::Nanos delay) {
  const base::MonoTime now = wheel_.now();
  ArmAt(delay >= base::kNever - now ? base::kNever : now + delay);
}

TimerWheel::TimerWheel(base::MonoTime now) : now_(now), tick_(static_cast<uint64_t>(now / kTick)) {}

void TimerWheel::Place(Timer* timer) {
  if (timer->deadline_ <= now_) {
    timer->placed_tick_ = 0;
    soon_.PushBack(timer);
    return;
  }
  constexpr uint64_t kSpan = uint64_t{1} << (6 * kLevels);
  uint64_t tick = std::max(TickOf(timer->deadline_), tick_ + 1);
  tick = std::min(tick, tick_ + kSpan - 1);
  timer->placed_tick_ = tick;
  // The level is that of the highest 6-bit digit in which the slot differs from the current tick.
  const int level = (63 - std::countl_zero(tick ^ tick_)) / 6;
  const int bounded = std::min(level, kLevels - 1);
  const int index = static_cast<int>((tick >> (6 * bounded)) & (kSlots - 1));
  slots_[bounded][index].PushBack(timer);
  occupied_[bounded] |= uint64_t{1} << index;
}

void TimerWheel::Collect(Slot& slot, Slot& out) { out.Splice(slot); }

int TimerWheel::Fire(Slot& due) {
  int fired = 0;
  while (Timer* timer = due.PopFront()) {
    if (timer->deadline_ == base::kNever) continue;  // Disarmed meanwhile.
    if (timer->deadline_ > now_) {
      Place(timer);  // Re-armed for later, or cascading down a level.
      continue;
    }
    timer->deadline_ = base::kNever;
    ++fired;
    timer->fire_();
  }
  return fired;
}

int TimerWheel::Advance(base::MonoTime now) {
  now_ = std::max(now_, now);
  const uint64_t target = static_cast<uint64_t>(now_ / kTick);
  Slot due;
  Collect(soon_, due);
  if (target <= tick_) return due.empty() ? 0 : Fire(due);
  // Each level's slots that the clock passed are emptied; what is not due is placed anew.
  for (int level = 0; level < kLevels; ++level) {
    const int shift = 6 * level;
    const uint64_t from = tick_ >> shift;
    const uint64_t to = target >> shift;
    if (from == to) break;
    const uint64_t steps = std::min<uint64_t>(to - from, kSlots);
    for (uint64_t step = 1; step <= steps; ++step) {
      const int index = static_cast<int>((from + step) & (kSlots - 1));
      const uint64_t bit = uint64_t{1} << index;
      if ((occupied_[level] & bit) == 0) continue;
      occupied_[level] &= ~bit;
      Collect(slots_[level][index], due);
    }
  }
  tick_ = target;
  return Fire(due);
}

base::MonoTime TimerWheel::NextDeadline() const {
  if (!soon_.empty()) return now_;
  // The lowest occupied level holds the next slot to come up; its start is a safe wake-up.
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const int shift = 6 * level;
    const int here = static_cast<int>((tick_ >> shift) & (kSlots - 1));
    const uint64_t ahead = std::rotr(occupied_[level], (here + 1) & (kSlots - 1));
    const uint64_t distance = static_cast<uint64_t>(std::countr_zero(ahead)) + 1;
    return static_cast<base::MonoTime>((((tick_ >> shift) + distance) << shift) * kTick);
  }
  return base::kNever;
}

}  // namespace proxenos::event
