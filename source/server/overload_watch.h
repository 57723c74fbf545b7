// OverloadWatch: watches resources of the process and acts when one runs short, before the kernel
// does. From envoy.config.overload.v3.OverloadManager.
//
// Every refresh_interval each monitor says how much of its resource is in use, from 0 to 1. An
// action's triggers turn that into how much of the action is wanted; the greatest counts. The
// monitor of downstream connections is not among these: it acts at once (connection_limit.h).
//
// Owner: the Server. Thread: main.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "envoy/config/overload/v3/overload.pb.h"
#include "source/config/errors.h"
#include "source/downstream/overload.h"
#include "source/event/event_loop.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::server {

// Scope: overload.NAME.
#define PX_OVERLOAD_RESOURCE_STATS(X) X(Gauge, pressure)
PX_STATS(OverloadResourceStats, PX_OVERLOAD_RESOURCE_STATS);

#define PX_OVERLOAD_ACTION_STATS(X) \
  X(Gauge, active)                  \
  X(Gauge, scale_percent)
PX_STATS(OverloadActionStats, PX_OVERLOAD_ACTION_STATS);

enum class OverloadAction : uint8_t {
  kStopAcceptingRequests,
  kStopAcceptingConnections,
  kRejectIncomingConnections,
  kDisableKeepalive,
  kShrinkHeap,
};

struct OverloadTrigger {
  size_t monitor = 0;
  double from = 0;   // Below it nothing happens.
  double whole = 0;  // From here on all of it.

  // How much of the action this pressure asks for, of 10000.
  uint32_t Wanted(double pressure) const;
};

struct OverloadRule {
  OverloadAction action;
  std::vector<OverloadTrigger> triggers;
};

struct OverloadMonitor {
  enum class Kind : uint8_t { kHeap, kHostCpu, kContainerCpu };
  Kind kind = Kind::kHeap;
  uint64_t max_heap_bytes = 0;  // Of kHeap.
};

struct OverloadConfig {
  base::Nanos interval = base::kSecond;
  std::vector<OverloadMonitor> monitors;
  std::vector<OverloadRule> rules;
};

// What is wrong is an error at its place below `path`.
OverloadConfig CompileOverload(const envoy::config::overload::v3::OverloadManager& proto,
                               config::Errors& errors, const config::Path& path);

class OverloadWatch {
 public:
  struct Hooks {
    absl::AnyInvocable<uint64_t()> heap_bytes;
    // In use, from 0 to 1: of the machine, and of the container.
    absl::AnyInvocable<double()> host_cpu;
    absl::AnyInvocable<double()> container_cpu;
    absl::AnyInvocable<void(bool on)> hold_accepting;  // Told of changes alone.
    absl::AnyInvocable<void()> shrink_heap;
  };
  OverloadWatch(event::EventLoop& loop, stats::Registry& registry, OverloadConfig config,
                Hooks hooks);

  const downstream::Overload& state() const { return state_; }
  // Begins to watch.
  void Start() { Refresh(); }

 private:
  void Refresh();
  // Of config_.monitors, in that order.
  std::vector<double> Pressures();
  void Act(OverloadAction action, uint32_t wanted);

  event::EventLoop& loop_;
  const OverloadConfig config_;
  Hooks hooks_;
  downstream::Overload state_;
  bool holding_ = false;
  base::MonoTime shrunk_at_ = 0;
  stats::Group<OverloadResourceStats> heap_stats_;  // Of each kind with a monitor.
  stats::Group<OverloadResourceStats> cpu_stats_;
  std::vector<stats::Group<OverloadActionStats>> action_stats_;  // As config_.rules.
  event::Timer timer_;
};

}  // namespace proxenos::server
