// Asking and telling.
#include "source/server/worker_demands.h"

#include <utility>

#include "absl/strings/ascii.h"

namespace proxenos::server {

bool WorkerDemands::AskHost(absl::string_view routes, absl::string_view authority, Waiter& waiter) {
  return Ask({Demand::Kind::kHost, std::string(routes), absl::AsciiStrToLower(authority)}, waiter);
}

bool WorkerDemands::AskCluster(const std::string& source, absl::string_view name, Waiter& waiter) {
  return Ask({Demand::Kind::kCluster, source, std::string(name)}, waiter);
}

bool WorkerDemands::Ask(Demand demand, Waiter& waiter) {
  if (send_ == nullptr || waiting_ >= kMaxWaitingStreams) return false;
  const auto found = pending_.find(demand);
  if (found != pending_.end()) {
    found->second->Add(waiter, waiting_);
    return true;
  }
  // Those whose streams have ended stay until they are answered.
  if (pending_.size() >= kMaxWaitingStreams) return false;
  auto list = std::make_unique<WaiterList>();
  list->Add(waiter, waiting_);
  send_(demand);
  pending_.emplace(std::move(demand), std::move(list));
  return true;
}

void WorkerDemands::OnAnswer(const DemandAnswer& answer) {
  const auto found = pending_.find(answer.demand);
  if (found == pending_.end()) return;
  const std::unique_ptr<WaiterList> waiters = std::move(found->second);
  pending_.erase(found);
  waiters->Tell(answer.outcome);
}

}  // namespace proxenos::server
