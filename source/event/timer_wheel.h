// TimerWheel: all timers of one event loop, in a hierarchical wheel of intrusive lists.
//
// Made for timers that are re-armed on every request and nearly never fire: arming a timer for
// later than it already is placed is one store (it is moved when its old slot comes up), and
// disarming is one store too. Resolution: 1 ms; a timer never fires early. One that is due when it
// is armed fires in the next Advance, however soon that comes: work goes on in the next turn so.
// Thread: the loop's.
#pragma once

#include <array>
#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"

namespace proxenos::event {

class TimerWheel;

// A wait for an instant. Owner: whoever waits (a member). Its destructor cancels.
class Timer final : public base::ListNode<Timer> {
 public:
  // `fire` may destroy nothing but may arm this timer again.
  Timer(TimerWheel& wheel, absl::AnyInvocable<void()> fire)
      : wheel_(wheel), fire_(std::move(fire)) {}

  // Fires once at or after `deadline`; replaces an earlier arming. kNever disarms.
  void ArmAt(base::MonoTime deadline);
  void ArmIn(base::Nanos delay);
  void Disarm() { deadline_ = base::kNever; }
  bool armed() const { return deadline_ != base::kNever; }
  base::MonoTime deadline() const { return deadline_; }

 private:
  friend class TimerWheel;

  TimerWheel& wheel_;
  absl::AnyInvocable<void()> fire_;
  base::MonoTime deadline_ = base::kNever;
  uint64_t placed_tick_ = 0;  // Tick of the slot it is in, when linked; 0: in none.
};

class TimerWheel {
 public:
  explicit TimerWheel(base::MonoTime now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires what is due at `now`. Returns how many fired.
  int Advance(base::MonoTime now);

  // When Advance should next be called: kNever when there is nothing to wait for. It may be
  // earlier than the next deadline, never later.
  base::MonoTime NextDeadline() const;

  base::MonoTime now() const { return now_; }

 private:
  friend class Timer;

  static constexpr int kLevels = 6;  // 64^6 ms: two years.
  static constexpr int kSlots = 64;
  using Slot = base::IntrusiveList<Timer, Timer>;

  void Place(Timer* timer);
  void Collect(Slot& slot, Slot& out);
  int Fire(Slot& due);

  std::array<std::array<Slot, kSlots>, kLevels> slots_;
  Slot soon_;                                 // Due already, when they were armed.
  std::array<uint64_t, kLevels> occupied_{};  // A bit per slot that may hold a timer.
  base::MonoTime now_;
  uint64_t tick_;  // Milliseconds; every slot before it is empty.
};

}  // namespace proxenos::event
