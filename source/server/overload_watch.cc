// Applying the rules, at intervals.
#include "source/server/overload_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/stats/scope.h"

namespace proxenos::server {
namespace {

using base::OverloadShare;

#define PX_SCOPE(name) \
  { "overload." name ".", "overload." name "." }
constexpr stats::ScopeShape kScopes[] = {
    PX_SCOPE("envoy.resource_monitors.fixed_heap"),
    PX_SCOPE("envoy.resource_monitors.cpu_utilization"),
    PX_SCOPE("envoy.resource_monitors.cgroup_memory"),
    PX_SCOPE("envoy.resource_monitors.injected_resource"),
    PX_SCOPE("envoy.overload_actions.stop_accepting_requests"),
    PX_SCOPE("envoy.overload_actions.stop_accepting_connections"),
    PX_SCOPE("envoy.overload_actions.reject_incoming_connections"),
    PX_SCOPE("envoy.overload_actions.disable_http_keepalive"),
    PX_SCOPE("envoy.overload_actions.shrink_heap"),
    PX_SCOPE("envoy.overload_actions.reduce_timeouts"),
    PX_SCOPE("envoy.overload_actions.reset_high_memory_stream"),
    PX_SCOPE("envoy.load_shed_points.tcp_listener_accept"),
    PX_SCOPE("envoy.load_shed_points.hcm_ondata_creating_codec"),
    PX_SCOPE("envoy.load_shed_points.http1_server_abort_dispatch"),
    PX_SCOPE("envoy.load_shed_points.http2_server_go_away_on_dispatch"),
    PX_SCOPE("envoy.load_shed_points.http2_server_go_away_and_close_on_dispatch"),
    PX_SCOPE("envoy.load_shed_points.http_connection_manager_decode_headers"),
    PX_SCOPE("envoy.load_shed_points.http_downstream_filter_check"),
    PX_SCOPE("envoy.load_shed_points.connection_pool_new_connection"),
};
#undef PX_SCOPE
// Of a name that somebody made up.
constexpr stats::ScopeShape kOwnScope{"overload.$.", "overload.", {"envoy.overload_name"}};

stats::ScopeName ScopeOf(absl::string_view name) {
  constexpr size_t kBefore = sizeof("overload.") - 1;
  for (const stats::ScopeShape& shape : kScopes) {
    const absl::string_view own = shape.pattern.substr(kBefore, shape.pattern.size() - kBefore - 1);
    if (own == name) return stats::ScopeName(shape, {});
  }
  return stats::ScopeName(kOwnScope, {name});
}

}  // namespace

OverloadWatch::OverloadWatch(event::EventLoop& loop, stats::Registry& registry,
                             OverloadConfig config, Hooks hooks)
    : loop_(loop),
      config_(std::move(config)),
      hooks_(std::move(hooks)),
      pressures_(config_.monitors.size()),
      timer_(loop.timers(), [this] { Refresh(); }) {
  for (const OverloadMonitor& monitor : config_.monitors) {
    monitor_stats_.push_back(registry.Open<OverloadResourceStats>(ScopeOf(monitor.name)));
  }
  for (const OverloadRule& rule : config_.rules) {
    Watched& watched = watched_.emplace_back(Watched{&rule, {}, {}});
    if (rule.point != nullptr) {
      watched.point_stats = registry.Open<LoadShedPointStats>(ScopeOf(rule.name));
    } else {
      watched.action_stats = registry.Open<OverloadActionStats>(ScopeOf(rule.name));
    }
    for (const LeastTimeout& least : rule.timeouts) {
      base::ScaledTimeout& timeout = state_.timeouts[least.timeout];
      timeout.SetLeast(least.least);
      timeout.SetLeastPart(least.part);
    }
  }
}

void OverloadWatch::ReadPressures() {
  for (size_t i = 0; i < config_.monitors.size(); ++i) {
    const std::optional<double> pressure = hooks_.pressure(config_.monitors[i]);
    if (!pressure.has_value()) {
      monitor_stats_[i]->failed_updates.Inc();
      continue;  // It stays as it was.
    }
    pressures_[i] = *pressure;
    monitor_stats_[i]->pressure.Set(static_cast<uint64_t>(*pressure * 100));
  }
}

void OverloadWatch::Refresh() {
  if (config_.monitors.empty()) return;
  ReadPressures();
  for (Watched& watched : watched_) {
    uint32_t wanted = 0;
    for (const OverloadTrigger& trigger : watched.rule->triggers) {
      wanted = std::max(wanted, trigger.Wanted(pressures_[trigger.monitor]));
    }
    Apply(watched, wanted);
  }
  timer_.ArmIn(config_.interval);
}

void OverloadWatch::Apply(Watched& watched, uint32_t wanted) {
  const uint32_t before = std::exchange(watched.wanted, wanted);
  const uint32_t percent = wanted * 100 / OverloadShare::kWhole;
  if (watched.action_stats) {
    watched.action_stats->active.Set(wanted >= OverloadShare::kWhole ? 1 : 0);
    watched.action_stats->scale_percent.Set(percent);
    return Act(watched, before);
  }
  base::LoadShedPoint& point = state_.*watched.rule->point;
  point.share.Set(wanted);
  watched.point_stats->scale_percent.Set(percent);
  const uint64_t shed = point.shed();
  watched.point_stats->shed_load_count.Add(shed - std::exchange(watched.shed, shed));
}

void OverloadWatch::Act(Watched& watched, uint32_t before) {
  const uint32_t wanted = watched.wanted;
  const bool whole = wanted >= OverloadShare::kWhole;
  switch (watched.rule->action) {
    case OverloadAction::kStopAcceptingRequests:
      return state_.refuse_requests.Set(wanted);
    case OverloadAction::kRejectIncomingConnections:
      return state_.refuse_connections.Set(wanted);
    case OverloadAction::kDisableKeepalive:
      return state_.end_connections.Set(wanted);
    case OverloadAction::kStopAcceptingConnections:
      if (whole != (before >= OverloadShare::kWhole)) hooks_.hold_accepting(whole);
      return;
    case OverloadAction::kShrinkHeap:
      if (whole) ShrinkHeap(watched);
      return;
    case OverloadAction::kReduceTimeouts:
      if (wanted != before) ReduceTimeouts(*watched.rule, wanted);
      return;
    case OverloadAction::kResetHeavyStreams:
      if (wanted != 0) hooks_.reset_heavy_streams(watched.rule->HeavyBytes(wanted));
      return;
    case OverloadAction::kShedLoad:
      return;  // By the workers.
  }
}

void OverloadWatch::ReduceTimeouts(const OverloadRule& rule, uint32_t wanted) {
  for (const LeastTimeout& least : rule.timeouts) state_.timeouts[least.timeout].share.Set(wanted);
  hooks_.rearm_timers();
}

// Giving memory back takes time in proportion to it.
void OverloadWatch::ShrinkHeap(Watched& watched) {
  if (watched.shrunk_at != 0 && loop_.now() - watched.shrunk_at < watched.rule->every) return;
  watched.shrunk_at = loop_.now();
  hooks_.shrink_heap();
}

}  // namespace proxenos::server
