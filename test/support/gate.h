// Gate: lets a test hold a thread of its own until it says so. What tests have instead of sleeping.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "test/support/socket.h"

namespace proxenos::testing {

// Thread: any. Waits end after kPatienceSeconds; they return whether the gate was opened.
class Gate {
 public:
  Gate() = default;
  // Opens, and stays until nobody is inside: whoever waits may outlive the test's body otherwise.
  ~Gate() {
    Open();
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ == 0; });
  }

  void Open() {
    // Told under the lock: who has waited may end the gate right after.
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    const bool open =
        changed_.wait_for(lock, std::chrono::seconds(kPatienceSeconds), [this] { return open_; });
    --waiting_;
    changed_.notify_all();
    return open;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

}  // namespace proxenos::testing
