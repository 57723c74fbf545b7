// Lending: idle connections to hosts change workers, so that few of them serve all. For clusters
// that ask for it (proxenos.upstream.lending.v3.ConnectionLending).
//
// A pool whose request finds no idle connection asks the other workers, one after another, by
// messages. Who has one parts with it: socket, age and place in the cluster's limits go along in a
// Loan, everything else stays behind and dies. Nobody owes it back: it is idle where it was used
// last.
//
//   borrower                         LoanDesk                  others
//   HostPool::Borrow    -- Ask -->   the next that seems  -->  HostPool::Lend, or Ask again
//   HostPool::OnLoan    <-------------------------- Answer --  a Loan
//   HostPool::OnNoLoan  <-- Answer, or max_wait is over
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/circuit_breaker.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/host.h"

namespace proxenos::upstream {

class HostPool;
class Lender;
class WorkerCluster;

// A connection between two workers. It counts in the cluster's limits all the way. Owner: the
// message that carries it. Thread: any, one at a time.
struct Loan {
  Loan(Established given, std::shared_ptr<const Host> to, uint32_t served)
      : established(std::move(given)), host(std::move(to)), requests(served) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  // Nobody took it: it closes, and counts no longer.
  ~Loan();

  Established established;
  const std::shared_ptr<const Host> host;
  const uint32_t requests;                          // Exchanges that it was given.
  std::shared_ptr<const CircuitBreakers> breakers;  // Null once it was taken.
  bool counts_for_host = false;                     // In Host::connections() as well.
};

// Where the workers that use a cluster find each other. Owner: the ClusterConfig; a changed one has
// another, so that what was connected by old rules stays among the old. Thread: any. Its lock is
// taken by who needs a connection and has none, never by who has one.
class LoanDesk {
 public:
  // A worker's place. `loop` and `stats` may be used while it is among the desk's.
  struct Seat {
    event::EventLoop& loop;
    const stats::ClusterStats& stats;
    mutable Lender* lender;      // Null once it is gone; only its own thread may look.
    mutable uint64_t order = 0;  // Among those of the desk; given as it joins.
  };
  struct Request {
    std::shared_ptr<const Seat> from;
    std::shared_ptr<const Host> host;
    bool without = false;  // Who asks has no connection to it.
    uint64_t ticket = 0;
    uint64_t asked = 0;  // The order of who was asked last; at first its own.
  };

  explicit LoanDesk(base::Nanos max_wait) : max_wait_(max_wait) {}

  base::Nanos max_wait() const { return max_wait_; }

  void Join(std::shared_ptr<const Seat> seat) const;
  void Leave(const Seat& seat) const;
  // Sends the request to the next worker that seems to have an idle connection. False: none is
  // left that was not asked.
  static bool Ask(const std::shared_ptr<const LoanDesk>& desk, Request request);
  // `loan` may be null.
  void Answer(const Request& request, std::unique_ptr<Loan> loan) const;

 private:
  std::shared_ptr<const Seat> NextOf(const Request& request) const;

  const base::Nanos max_wait_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Seat>> seats_;  // By order. Guarded by mutex_.
  mutable uint64_t last_order_ = 0;                         // Guarded by mutex_.
};

// One worker's part of it. Owner: the WorkerCluster. Thread: the worker's.
class Lender {
 public:
  Lender(WorkerCluster& cluster, std::shared_ptr<const LoanDesk> desk);
  Lender(const Lender&) = delete;
  Lender& operator=(const Lender&) = delete;
  ~Lender();

  // Asks for a connection to that host, of which the worker may be `without` any. False: nobody
  // seems to have one. Else its pool will hear of a loan, or of none.
  bool Borrow(const std::shared_ptr<const Host>& host, bool without);

  // From the desk. An idle connection, or null.
  std::unique_ptr<Loan> Lend(const LoanDesk::Request& request);
  void OnAnswer(uint64_t ticket, std::unique_ptr<Loan> loan);

  // Borrowings without an answer; for tests.
  size_t waiting() const { return waiting_.size(); }

 private:
  void OnTimer();

  WorkerCluster& cluster_;
  const std::shared_ptr<const LoanDesk> desk_;
  const std::shared_ptr<const LoanDesk::Seat> seat_;
  stats::Group<stats::ClusterLendingStats> stats_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<const Host>> waiting_;  // By ticket.
  struct Deadline {
    base::MonoTime at;
    uint64_t ticket;
  };
  std::deque<Deadline> deadlines_;  // Of `waiting_` and of some that were answered.
  uint64_t last_ticket_ = 0;
  event::Timer timer_;
};

}  // namespace proxenos::upstream
