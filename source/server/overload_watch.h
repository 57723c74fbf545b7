// OverloadWatch: watches resources of the process and acts when one runs short, before the kernel
// does.
//
// Every refresh_interval each monitor says how much of its resource is in use, from 0 to 1. A
// rule's triggers turn that into how much of it is wanted; the greatest counts. The monitor of
// downstream connections is not among these: it acts at once (connection_limit.h).
//
// Owner: the Server. Thread: main.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/base/overload.h"
#include "source/event/event_loop.h"
#include "source/server/overload_config.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::server {

// Scope of all three: overload.NAME.
#define PX_OVERLOAD_RESOURCE_STATS(X) \
  X(Gauge, pressure)                  \
  X(Counter, failed_updates)
PX_STATS(OverloadResourceStats, PX_OVERLOAD_RESOURCE_STATS);

#define PX_OVERLOAD_ACTION_STATS(X) \
  X(Gauge, active)                  \
  X(Gauge, scale_percent)
PX_STATS(OverloadActionStats, PX_OVERLOAD_ACTION_STATS);

// The count is brought up to date at each refresh.
#define PX_LOAD_SHED_POINT_STATS(X) \
  X(Gauge, scale_percent)           \
  X(Counter, shed_load_count)
PX_STATS(LoadShedPointStats, PX_LOAD_SHED_POINT_STATS);

class OverloadWatch {
 public:
  struct Hooks {
    // How much of it is in use, from 0 to 1; nothing: it cannot be told.
    absl::AnyInvocable<std::optional<double>(const OverloadMonitor&)> pressure;
    absl::AnyInvocable<void(bool on)> hold_accepting;  // Told of changes alone.
    absl::AnyInvocable<void()> shrink_heap;
    absl::AnyInvocable<void()> rearm_timers;  // state().timeouts have changed.
    absl::AnyInvocable<void(uint64_t least)> reset_heavy_streams;
  };
  OverloadWatch(event::EventLoop& loop, stats::Registry& registry, OverloadConfig config,
                Hooks hooks);

  const base::Overload& state() const { return state_; }
  // Begins to watch.
  void Start() { Refresh(); }

 private:
  // A rule, and how far it is in force.
  struct Watched {
    const OverloadRule* rule;
    stats::Group<OverloadActionStats> action_stats;  // Of actions.
    stats::Group<LoadShedPointStats> point_stats;    // Of points.
    uint32_t wanted = 0;
    uint64_t shed = 0;             // Of points: as far as it is in the stats.
    base::MonoTime shrunk_at = 0;  // Of kShrinkHeap.
  };

  void Refresh();
  void ReadPressures();
  void Apply(Watched& watched, uint32_t wanted);
  // `before`: what was wanted at the last refresh.
  void Act(Watched& watched, uint32_t before);
  void ReduceTimeouts(const OverloadRule& rule, uint32_t wanted);
  void ShrinkHeap(Watched& watched);

  event::EventLoop& loop_;
  const OverloadConfig config_;
  Hooks hooks_;
  base::Overload state_;
  std::vector<double> pressures_;                                   // As config_.monitors.
  std::vector<stats::Group<OverloadResourceStats>> monitor_stats_;  // As config_.monitors.
  std::vector<Watched> watched_;                                    // As config_.rules.
  event::Timer timer_;
};

}  // namespace proxenos::server
