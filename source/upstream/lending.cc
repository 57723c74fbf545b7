// Asking around, and handing over.
#include "source/upstream/lending.h"

#include <algorithm>
#include <utility>

#include "source/stats/scope.h"
#include "source/upstream/pool.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::upstream {

Loan::~Loan() {
  if (breakers == nullptr) return;
  breakers->of(RoutingPriority::kDefault).connections.Release();
  if (counts_for_host) host->connections().fetch_sub(1, std::memory_order_relaxed);
}

void LoanDesk::Join(std::shared_ptr<const Seat> seat) const {
  std::lock_guard<std::mutex> lock(mutex_);
  seat->order = ++last_order_;
  seats_.push_back(std::move(seat));
}

void LoanDesk::Leave(const Seat& seat) const {
  std::lock_guard<std::mutex> lock(mutex_);
  seats_.erase(std::find_if(seats_.begin(), seats_.end(),
                            [&seat](const auto& each) { return each.get() == &seat; }));
}

// Round the table once, from the borrower on. What workers count tells who may have one: a glance
// at words that they write, which may be wrong by the time they are asked.
std::shared_ptr<const LoanDesk::Seat> LoanDesk::NextOf(const Request& request) const {
  const uint64_t own = request.from->order;
  const auto rank = [own](uint64_t order) { return order - own; };  // Those before it wrap around.
  std::shared_ptr<const Seat> next;
  for (const std::shared_ptr<const Seat>& seat : seats_) {
    if (rank(seat->order) <= rank(request.asked)) continue;
    if (next != nullptr && rank(seat->order) > rank(next->order)) continue;
    if (seat->stats.upstream_cx_active.value() > seat->stats.upstream_rq_active.value()) {
      next = seat;
    }
  }
  return next;
}

bool LoanDesk::Ask(const std::shared_ptr<const LoanDesk>& desk, Request request) {
  // The lock keeps the other's loop: it leaves the desk before that goes.
  std::lock_guard<std::mutex> lock(desk->mutex_);
  const std::shared_ptr<const Seat> next = desk->NextOf(request);
  if (next == nullptr) return false;
  request.asked = next->order;
  next->loop.Post([desk, next, request = std::move(request)]() mutable {
    std::unique_ptr<Loan> loan;
    if (next->lender != nullptr) loan = next->lender->Lend(request);
    if (loan == nullptr && Ask(desk, request)) return;
    desk->Answer(request, std::move(loan));
  });
  return true;
}

void LoanDesk::Answer(const Request& request, std::unique_ptr<Loan> loan) const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (std::find(seats_.begin(), seats_.end(), request.from) == seats_.end()) return;
  request.from->loop.Post(
      [seat = request.from, ticket = request.ticket, loan = std::move(loan)]() mutable {
        if (seat->lender != nullptr) seat->lender->OnAnswer(ticket, std::move(loan));
      });
}

Lender::Lender(WorkerCluster& cluster, std::shared_ptr<const LoanDesk> desk)
    : cluster_(cluster),
      desk_(std::move(desk)),
      seat_(std::make_shared<const LoanDesk::Seat>(
          LoanDesk::Seat{cluster.loop(), cluster.stats(), this})),
      stats_(cluster.registry().Open<stats::ClusterLendingStats>(
          stats::ClusterScope(cluster.config().stat_name()))),
      timer_(cluster.loop().timers(), [this] { OnTimer(); }) {
  desk_->Join(seat_);
}

Lender::~Lender() {
  desk_->Leave(*seat_);
  seat_->lender = nullptr;
}

bool Lender::Borrow(const std::shared_ptr<const Host>& host, bool without) {
  const uint64_t ticket = last_ticket_ + 1;
  if (!LoanDesk::Ask(desk_, {seat_, host, without, ticket, seat_->order})) return false;
  last_ticket_ = ticket;
  waiting_.emplace(ticket, host);
  deadlines_.push_back({cluster_.loop().now() + desk_->max_wait(), ticket});
  if (!timer_.armed()) timer_.ArmAt(deadlines_.front().at);
  return true;
}

std::unique_ptr<Loan> Lender::Lend(const LoanDesk::Request& request) {
  HostPool* pool = cluster_.FindPool(request.host->id());
  if (pool == nullptr || pool->shared_host() != request.host) return nullptr;
  std::unique_ptr<Loan> loan = pool->Lend(request.without);
  if (loan != nullptr) stats_->upstream_cx_lent.Inc();
  return loan;
}

namespace {

// It is dropped by this worker, and no connection of any.
void CountEnd(WorkerCluster& cluster, const Loan& loan) {
  stats::ClusterStats& stats = cluster.stats();
  stats.upstream_cx_destroy.Inc();
  stats.upstream_cx_destroy_local.Inc();
  const base::Nanos age = cluster.loop().now() - loan.established.begun;
  stats.upstream_cx_length_ms.Record(static_cast<uint64_t>(age / base::kMillisecond));
}

}  // namespace

void Lender::OnAnswer(uint64_t ticket, std::unique_ptr<Loan> loan) {
  const auto found = waiting_.find(ticket);
  const bool awaited = found != waiting_.end();  // Else max_wait was over before.
  if (loan == nullptr && !awaited) return;
  const std::shared_ptr<const Host> host = awaited ? std::move(found->second) : loan->host;
  if (awaited) waiting_.erase(found);
  while (!deadlines_.empty() && !waiting_.contains(deadlines_.front().ticket)) {
    deadlines_.pop_front();
  }
  if (deadlines_.empty()) timer_.Disarm();
  HostPool* pool = cluster_.FindPool(host->id());  // Null: the host has left, nobody waits for it.
  if (pool != nullptr && loan != nullptr && &pool->host() == loan->host.get()) {
    stats_->upstream_cx_borrowed.Inc();
    return pool->OnLoan(std::move(loan), awaited);
  }
  if (loan != nullptr) CountEnd(cluster_, *loan);
  if (pool != nullptr && awaited) pool->OnNoLoan();
}

void Lender::OnTimer() {
  const base::MonoTime now = cluster_.loop().now();
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const uint64_t ticket = deadlines_.front().ticket;
    deadlines_.pop_front();
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) continue;
    HostPool* pool = cluster_.FindPool(found->second->id());
    waiting_.erase(found);
    stats_->upstream_cx_borrow_timeout.Inc();
    if (pool != nullptr) pool->OnNoLoan();
  }
  if (!deadlines_.empty()) timer_.ArmAt(deadlines_.front().at);
}

}  // namespace proxenos::upstream
