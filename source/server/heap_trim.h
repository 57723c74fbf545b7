// HeapTrim: gives memory back to the kernel once a large update is over.
//
// What was needed to take ten thousand resources apart lies in pieces between what stays of them;
// malloc gives back by itself only what lies at the end of the heap.
//
// Owner: the Server. Thread: main.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"

namespace proxenos::server {

class HeapTrim {
 public:
  // `trim`: malloc_trim, but in tests.
  HeapTrim(event::TimerWheel& timers, absl::AnyInvocable<void()> trim)
      : trim_(std::move(trim)), timer_(timers, [this] { Trim(); }) {}

  // So many resources came into force.
  void Note(size_t changes) {
    changes_ += changes;
    if (changes_ >= kMany) timer_.ArmIn(kQuiet);
  }

 private:
  // Fewer leave less behind than looking for it is worth.
  static constexpr size_t kMany = 1000;
  // Nothing has come for so long: the update is over.
  static constexpr base::Nanos kQuiet = 1 * base::kSecond;

  void Trim() {
    changes_ = 0;
    trim_();
  }

  absl::AnyInvocable<void()> trim_;
  event::Timer timer_;
  size_t changes_ = 0;
};

}  // namespace proxenos::server
