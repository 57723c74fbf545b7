// InspectionPool: a bounded pool of threads that inspect messages for workers, so that no loop ever
// waits for an engine.
//
// A Job travels: the filter hands it in and keeps a Ticket; a thread inspects; the job comes back
// to the worker's loop by its Home, and there to whoever holds the ticket. A ticket that dies takes
// its owner out of the way: the job is dropped wherever it is. So a stream may end at any moment.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/base/link.h"
#include "source/event/event_loop.h"
#include "source/waf/engine.h"

namespace proxenos::waf {

struct Job;

// The way back to a worker's loop, for as long as there is one.
// Owner: shared by the worker's part of the filter and the jobs under way. Thread: any.
class Home {
 public:
  explicit Home(event::EventLoop& loop) : loop_(&loop) {}
  // Nothing comes back from now on. REQUIRES: on the loop's thread; no ticket is held any more.
  void Close() const;
  // Gives the job to its ticket's holder, in a turn of the loop; drops it where nobody holds one.
  void Return(std::unique_ptr<Job> job) const;

 private:
  mutable std::mutex mutex_;
  mutable event::EventLoop* loop_;  // Guarded by mutex_; null once closed.
};

// Who waits for a job. Owner: the filter of one stream. Thread: the worker's.
class Ticket {
 public:
  using Done = absl::AnyInvocable<void(std::unique_ptr<Job>)>;
  // `done` is called at most once, on the loop, in a turn of its own.
  explicit Ticket(Done done) : job_(this), done_(std::move(done)) {}
  ~Ticket();

 private:
  friend struct Job;
  friend class Home;
  friend class InspectionPool;
  base::Link<Ticket, Job> job_;
  Done done_;
};

// One message to be inspected, and then what came of it.
// Owner: whoever has it in hand. Thread: one at a time, but for `ticket`, which is the worker's.
struct Job {
  Job() : ticket(this) {}

  std::shared_ptr<const RuleSet> rules;
  Mode mode = Mode::kBlock;
  std::string id;                          // Of the transaction.
  std::unique_ptr<Inspection> inspection;  // Null before the first job of a transaction.
  std::optional<RequestFacts> request;     // The one of these that is to be inspected.
  std::optional<ResponseFacts> response;
  bool last = false;  // No job of the transaction follows.
  Finding finding;

  std::shared_ptr<const Home> home;
  base::Link<Job, Ticket> ticket;
  std::atomic<bool> abandoned{false};  // Nobody waits; set once the ticket is cut.

  // What it weighs in the queue, in bytes.
  uint64_t weight() const;
  // Inspects, here and now.
  void Run();
};

struct PoolLimits {
  uint32_t threads = 2;
  uint32_t max_waiting = 256;
  uint64_t max_waiting_bytes = 32 * 1024 * 1024;

  friend bool operator==(const PoolLimits&, const PoolLimits&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const PoolLimits& limits) {
    return H::combine(std::move(h), limits.threads, limits.max_waiting, limits.max_waiting_bytes);
  }
};

// Owner: shared by the filters that are configured with it; const, because what changes in it is
// its own affair. Thread: Submit from any. Dies when: no filter has it; what waits is dropped, and
// what is being inspected is waited for.
class InspectionPool {
 public:
  explicit InspectionPool(const PoolLimits& limits);
  InspectionPool(const InspectionPool&) = delete;
  InspectionPool& operator=(const InspectionPool&) = delete;
  ~InspectionPool();

  // The pool of these limits, one for the process.
  static std::shared_ptr<const InspectionPool> Shared(const PoolLimits& limits);

  // Takes the job; false, and the job stays where it is, when too much waits already. Threads start
  // as they are needed. REQUIRES: job->home.
  bool Submit(std::unique_ptr<Job>& job, Ticket& ticket) const;
  // Destroys it on a thread of the pool: that too takes its time.
  void Discard(std::unique_ptr<Inspection> inspection) const;

 private:
  struct Queue {
    std::mutex mutex;
    std::condition_variable changed;
    // All guarded by mutex.
    std::deque<std::unique_ptr<Job>> waiting;
    std::vector<std::unique_ptr<Inspection>> discarded;
    uint64_t waiting_bytes = 0;
    uint32_t idle = 0;
    bool stopping = false;
    std::vector<std::thread> threads;
  };

  void Enter(std::unique_lock<std::mutex> lock) const;
  void Work() const;

  const PoolLimits limits_;
  const std::unique_ptr<Queue> queue_;
};

}  // namespace proxenos::waf
