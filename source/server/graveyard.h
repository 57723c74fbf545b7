// Graveyard: what was in force and large, until no worker holds it any more.
//
// A route table of ten thousand routes takes milliseconds to destroy. Whoever lets go of it last
// has to; so the main thread keeps a reference until it is the last one, and destroys it itself.
//
// Owner: the ConfigStore. Thread: main.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"

namespace proxenos::server {

class Graveyard {
 public:
  explicit Graveyard(event::EventLoop& loop) : timer_(loop.timers(), [this] { Sweep(); }) {}

  // Takes something that nobody will get a new reference of any more.
  void Bury(std::shared_ptr<const void> object) {
    if (object == nullptr) return;
    buried_.push_back(std::move(object));
    if (!timer_.armed()) timer_.ArmIn(kPause);
  }

  size_t size() const { return buried_.size(); }

 private:
  // Streams hold what they began with, so some graves stay closed for long.
  static constexpr base::Nanos kPause = base::kSecond;

  // Looks at each once; destroys at most one in a turn, which is as much as a turn should bear.
  void Sweep() {
    for (size_t left = buried_.size(); left > 0; --left) {
      std::shared_ptr<const void> object = std::move(buried_.front());
      buried_.pop_front();
      if (object.use_count() == 1) {
        if (!buried_.empty()) timer_.ArmIn(base::kMillisecond);
        return;
      }
      buried_.push_back(std::move(object));
    }
    if (!buried_.empty()) timer_.ArmIn(kPause);
  }

  std::deque<std::shared_ptr<const void>> buried_;
  event::Timer timer_;
};

}  // namespace proxenos::server
