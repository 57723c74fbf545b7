// DemandedCluster: the wait of one connection for a cluster that has to be discovered first, and
// what of such waits is counted.
#pragma once

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/event/timer_wheel.h"
#include "source/filter/cluster_source.h"
#include "source/filter/on_demand.h"
#include "source/stats/schema.h"

namespace proxenos::filters::tcp_proxy {

// Scope: TcpScope, beside TcpStats. One group a worker, where the proxy asks at all.
#define PX_TCP_DEMAND_STATS(X)          \
  X(Counter, on_demand_cluster_attempt) \
  X(Counter, on_demand_cluster_missing) \
  X(Counter, on_demand_cluster_success) \
  X(Counter, on_demand_cluster_timeout)
PX_STATS(TcpDemandStats, PX_TCP_DEMAND_STATS);

// Owner: the TcpConnection. Thread: the worker's. Its end cancels.
class DemandedCluster final : private filter::OnDemand::Waiter {
 public:
  // `over` is called once, from the loop, when the wait is. `stats` outlive it.
  DemandedCluster(absl::string_view name, event::TimerWheel& timers, TcpDemandStats& stats,
                  absl::AnyInvocable<void()> over)
      : name_(name),
        stats_(stats),
        over_(std::move(over)),
        timer_(timers, [this] { OnTimeout(); }) {}

  // False: nobody can be asked now.
  bool Ask(filter::OnDemand& whom, const filter::ClusterSource& source) {
    stats_.on_demand_cluster_attempt.Inc();
    if (!whom.AskCluster(source.config_source, name_, *this)) {
      stats_.on_demand_cluster_missing.Inc();
      return false;
    }
    timer_.ArmIn(source.timeout);
    return true;
  }
  const std::string& name() const { return name_; }
  using Waiter::waits;

 private:
  void OnDiscovered(filter::OnDemand::Outcome outcome) override {
    timer_.Disarm();
    const bool found = outcome == filter::OnDemand::Outcome::kFound;
    (found ? stats_.on_demand_cluster_success : stats_.on_demand_cluster_missing).Inc();
    over_();
  }
  void OnTimeout() {
    Cancel();
    stats_.on_demand_cluster_timeout.Inc();
    over_();
  }

  const std::string name_;
  TcpDemandStats& stats_;
  absl::AnyInvocable<void()> over_;
  event::Timer timer_;
};

}  // namespace proxenos::filters::tcp_proxy
