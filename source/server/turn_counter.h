// TurnCounter: how long the turns of one event loop take, where the configuration asks for it
// (Bootstrap.enable_dispatcher_stats).
//
// Owner: whose loop it is. Thread: Begin before the loop runs, then the loop's.
#pragma once

#include "source/base/clock.h"
#include "source/event/event_loop.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"

namespace proxenos::server {

class TurnCounter {
 public:
  // REQUIRES: it outlives the loop's last turn.
  void Begin(event::EventLoop& loop, stats::Registry& registry, const stats::ScopeName& scope) {
    stats_ = registry.Open<stats::DispatcherStats>(scope);
    loop.OnTurn([this](base::Nanos time) {
      stats_->loop_duration_us.Record(static_cast<uint64_t>(time / base::kMicrosecond));
    });
  }

 private:
  stats::Group<stats::DispatcherStats> stats_;  // Opened by Begin.
};

}  // namespace proxenos::server
