// EventLoop: one thread's epoll loop, with its timers, its post queue and the list of what died.
// Room 1 of a request (docs/life_of_a_request.md).
//
// A turn: wait; descriptors that are ready; timers; posted work; runnable streams and turn-end
// work (gathered writes) until none is left or the turn's bound is reached; then the retired are
// destroyed. So whoever is called in a turn may rely on every object it met in that turn.
//
// Bulk does not wait for the turn's end: what a descriptor brought much of is passed on and written
// while it is still in the cache, before the next descriptor is read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/base/random.h"
#include "source/event/timer_wheel.h"

namespace proxenos::event {

// Told about one descriptor. Must be alive, or retired in this turn, while its descriptor is
// registered; closing the descriptor ends the registration.
class IoHandler {
 public:
  virtual ~IoHandler() = default;
  // `events` are epoll's bits. Edge-triggered: an event comes once.
  virtual void OnIo(uint32_t events) = 0;
};

struct RunnableTag {};
struct TurnEndTag {};

// Something with state to advance; Run is called later in the same turn, never from Schedule.
class Runnable : public base::ListNode<RunnableTag> {
 public:
  virtual ~Runnable() = default;
  virtual void Run() = 0;
};

// Something to do once at the end of the turn: for a connection, to write what was gathered.
class TurnEnd : public base::ListNode<TurnEndTag> {
 public:
  virtual ~TurnEnd() = default;
  virtual void OnTurnEnd() = 0;
};

// Owner: its thread's function. Thread: only Post and Stop may be called from others.
class EventLoop {
 public:
  explicit EventLoop(base::Clock& clock);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Runs turns until Stop. REQUIRES: called on the loop's thread.
  void Run();
  // One turn, waiting at most `wait`; for tests and for embedding.
  void RunOnce(base::Nanos wait);
  // Ends Run after the current turn. Thread: any.
  void Stop();

  // Runs `work` in a later turn, in the order posted. Thread: any. Work posted to a stopped loop
  // is destroyed with the loop, not run.
  void Post(absl::AnyInvocable<void()> work);

  // Called at the end of each turn with the time since its wait was over. REQUIRES: before Run.
  void OnTurn(absl::AnyInvocable<void(base::Nanos)> observe) { on_turn_ = std::move(observe); }

  // Registers `fd` edge-triggered for both directions. Closing the descriptor unregisters.
  void Watch(int fd, IoHandler* handler);
  // Tells `handler` instead of the one that Watch named; what is ready already is reported anew.
  void Rewatch(int fd, IoHandler* handler);
  // The same, level-triggered and for `events` only (listening sockets, other libraries' sockets).
  void WatchLevel(int fd, uint32_t events, IoHandler* handler);
  void ChangeLevel(int fd, uint32_t events, IoHandler* handler);
  void Unwatch(int fd);

  // Calls Run() later in this turn. No-op when already scheduled.
  void Schedule(Runnable* runnable) {
    if (!runnable->linked()) runnable_.PushBack(runnable);
  }
  // Calls OnTurnEnd() at the end of this turn. No-op when already scheduled.
  void AtTurnEnd(TurnEnd* work) {
    if (!work->linked()) turn_end_.PushBack(work);
  }

  // For who has just read much (limits::kBulkBytes): what is runnable, and the writes that come of
  // it, are done as soon as its OnIo or OnTurnEnd returns. Who reads at the turn's end must not do
  // so while `hurrying`, but leave it to a later round, or it would all be read before any leaves.
  void Hurry() { hurry_ = true; }
  bool hurrying() const { return hurrying_; }

  // Destroys `object` at the end of the turn: the only way anything on a request's path dies.
  template <typename T>
  void Retire(std::unique_ptr<T> object) {
    if (object != nullptr) {
      retired_.push_back(Retired{
          object.release(), [](void* dead) { std::unique_ptr<T> last(static_cast<T*>(dead)); }});
    }
  }

  TimerWheel& timers() { return wheel_; }
  base::Random& random() { return random_; }
  // Time at the start of the turn; coarse on purpose.
  base::MonoTime now() const { return wheel_.now(); }
  base::WallTime wall_now() const { return wall_now_; }
  // Reads the clock anew; for what must be exact (latencies in logs).
  base::MonoTime ReadClock() { return clock_.Mono(); }

 private:
  struct Retired {
    void* object;
    void (*destroy)(void*);
  };

  void HandleEvents(int timeout_ms);
  void RunPosted();
  // Puts work[first] and what follows before what was posted meanwhile.
  void PostAgain(std::vector<absl::AnyInvocable<void()>>& work, size_t first);
  void Wake();
  void RunReady();
  void RunHurried();
  void DestroyRetired();
  int WaitMs(base::Nanos limit) const;

  base::Clock& clock_;
  const int epoll_fd_;
  const int wake_fd_;
  TimerWheel wheel_;
  base::Random random_;
  base::WallTime wall_now_;
  base::IntrusiveList<Runnable, RunnableTag> runnable_;
  base::IntrusiveList<TurnEnd, TurnEndTag> turn_end_;
  std::vector<Retired> retired_;
  bool hurry_ = false;
  bool hurrying_ = false;
  std::atomic<bool> stop_{false};
  absl::AnyInvocable<void(base::Nanos)> on_turn_;  // Null: nobody wants to know.

  std::mutex post_mutex_;
  std::vector<absl::AnyInvocable<void()>> posted_;  // Guarded by post_mutex_.
};

}  // namespace proxenos::event
