// LoopThread: an event loop on a thread of its own, for tests whose own thread must wait for what
// the loop does.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"

namespace proxenos::testing {

// Thread: the test's. What lives on the loop must be made and destroyed within Do.
class LoopThread {
 public:
  LoopThread() : loop_(clock_), thread_([this] { loop_.Run(); }) {}
  ~LoopThread() {
    loop_.Stop();
    thread_.join();
  }

  event::EventLoop& loop() { return loop_; }

  // Runs `work` on the loop's thread and waits until it has returned.
  void Do(absl::FunctionRef<void()> work) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    // Safe to refer to locals: this function does not return before it has run.
    loop_.Post([work, &mutex, &changed, &done] {
      work();
      std::lock_guard<std::mutex> lock(mutex);
      done = true;
      changed.notify_one();
    });
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&done] { return done; });
  }

 private:
  base::RealClock clock_;
  event::EventLoop loop_;
  std::thread thread_;
};

}  // namespace proxenos::testing
