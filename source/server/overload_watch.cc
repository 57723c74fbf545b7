// Compiling the rules, and applying them at intervals.
#include "source/server/overload_watch.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization.pb.h"
#include "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::server {
namespace {

using downstream::OverloadShare;
using envoy::config::overload::v3::Trigger;
using Cpu = envoy::extensions::resource_monitors::cpu_utilization::v3::CpuUtilizationConfig;
using FixedHeap = envoy::extensions::resource_monitors::fixed_heap::v3::FixedHeapConfig;
using Proto = envoy::config::overload::v3::OverloadManager;

// Giving memory back takes time in proportion to it.
constexpr base::Nanos kBetweenShrinks = 10 * base::kSecond;
constexpr base::Nanos kLeastInterval = 10 * base::kMillisecond;

struct ActionRow {
  absl::string_view name;
  stats::ScopeShape scope;
  OverloadAction action;
};

#define PX_ACTION(name)                                                                      \
  "envoy.overload_actions." name, {                                                          \
    "overload.envoy.overload_actions." name ".", "overload.envoy.overload_actions." name "." \
  }
constexpr ActionRow kActions[] = {
    {PX_ACTION("stop_accepting_requests"), OverloadAction::kStopAcceptingRequests},
    {PX_ACTION("stop_accepting_connections"), OverloadAction::kStopAcceptingConnections},
    {PX_ACTION("reject_incoming_connections"), OverloadAction::kRejectIncomingConnections},
    {PX_ACTION("disable_http_keepalive"), OverloadAction::kDisableKeepalive},
    {PX_ACTION("shrink_heap"), OverloadAction::kShrinkHeap},
};
#undef PX_ACTION

constexpr stats::ScopeShape kCpuScope{"overload.envoy.resource_monitors.cpu_utilization.",
                                      "overload.envoy.resource_monitors.cpu_utilization."};
constexpr stats::ScopeShape kHeapScope{"overload.envoy.resource_monitors.fixed_heap.",
                                       "overload.envoy.resource_monitors.fixed_heap."};

// Nothing: it is of a kind that acts by itself, or broken.
std::optional<OverloadMonitor> CompileMonitor(const google::protobuf::Any& proto,
                                              config::Errors& errors, const config::Path& path) {
  using Kind = OverloadMonitor::Kind;
  const std::string type = config::TypedConfigType(proto);
  if (FixedHeap heap; type == heap.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, heap, path, errors)) return std::nullopt;
    return OverloadMonitor{Kind::kHeap, heap.max_heap_size_bytes()};
  }
  if (Cpu cpu; type == cpu.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, cpu, path, errors)) return std::nullopt;
    return OverloadMonitor{cpu.mode() == Cpu::HOST ? Kind::kHostCpu : Kind::kContainerCpu};
  }
  // A name alone would watch over nothing.
  if (type.empty()) errors.AddValue(path, "without a type", "that of a resource monitor");
  return std::nullopt;
}

const ActionRow* FindAction(absl::string_view name) {
  for (const ActionRow& row : kActions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

OverloadTrigger CompileTrigger(const Trigger& proto, size_t monitor, config::Errors& errors,
                               const config::Path& path) {
  if (proto.has_threshold()) return {monitor, proto.threshold().value(), proto.threshold().value()};
  const OverloadTrigger trigger{monitor, proto.scaled().scaling_threshold(),
                                proto.scaled().saturation_threshold()};
  if (trigger.from >= trigger.whole) {
    errors.Add(path.Field("scaled"), "scaling_threshold must be less than saturation_threshold");
  }
  return trigger;
}

}  // namespace

uint32_t OverloadTrigger::Wanted(double pressure) const {
  if (pressure >= whole) return OverloadShare::kWhole;
  if (pressure <= from) return 0;
  return static_cast<uint32_t>(OverloadShare::kWhole * (pressure - from) / (whole - from));
}

OverloadConfig CompileOverload(const Proto& proto, config::Errors& errors,
                               const config::Path& path) {
  OverloadConfig config;
  if (proto.has_refresh_interval()) {
    config.interval = std::max(
        proto.refresh_interval().seconds() * base::kSecond + proto.refresh_interval().nanos(),
        kLeastInterval);
  }
  absl::flat_hash_map<std::string, size_t> monitors;
  for (int i = 0; i < proto.resource_monitors_size(); ++i) {
    const auto& monitor = proto.resource_monitors(i);
    const config::Path at = path.Field("resource_monitors").Index(i);
    const auto compiled = CompileMonitor(monitor.typed_config(), errors, at.Field("typed_config"));
    if (!compiled.has_value()) continue;
    monitors[monitor.name()] = config.monitors.size();
    config.monitors.push_back(*compiled);
  }
  for (int i = 0; i < proto.actions_size(); ++i) {
    const auto& action = proto.actions(i);
    const config::Path at = path.Field("actions").Index(i);
    const ActionRow* row = FindAction(action.name());
    if (row == nullptr) {
      errors.AddValue(at.Field("name"), action.name(),
                      "envoy.overload_actions. and one of stop_accepting_requests, "
                      "stop_accepting_connections, reject_incoming_connections, "
                      "disable_http_keepalive and shrink_heap");
      continue;
    }
    OverloadRule& rule = config.rules.emplace_back(OverloadRule{row->action, {}});
    for (int j = 0; j < action.triggers_size(); ++j) {
      const config::Path trigger = at.Field("triggers").Index(j);
      const auto monitor = monitors.find(action.triggers(j).name());
      if (monitor == monitors.end()) {
        errors.AddValue(trigger.Field("name"), action.triggers(j).name(),
                        "the name of a fixed_heap or cpu_utilization monitor of resource_monitors");
        continue;
      }
      rule.triggers.push_back(CompileTrigger(action.triggers(j), monitor->second, errors, trigger));
    }
  }
  return config;
}

OverloadWatch::OverloadWatch(event::EventLoop& loop, stats::Registry& registry,
                             OverloadConfig config, Hooks hooks)
    : loop_(loop),
      config_(std::move(config)),
      hooks_(std::move(hooks)),
      timer_(loop.timers(), [this] { Refresh(); }) {
  if (config_.monitors.empty()) return;
  for (const OverloadMonitor& monitor : config_.monitors) {
    const bool heap = monitor.kind == OverloadMonitor::Kind::kHeap;
    auto& group = heap ? heap_stats_ : cpu_stats_;
    if (group) continue;
    group =
        registry.Open<OverloadResourceStats>(stats::ScopeName(heap ? kHeapScope : kCpuScope, {}));
  }
  for (const OverloadRule& rule : config_.rules) {
    const auto row =
        std::find_if(std::begin(kActions), std::end(kActions),
                     [&rule](const ActionRow& each) { return each.action == rule.action; });
    action_stats_.push_back(registry.Open<OverloadActionStats>(stats::ScopeName(row->scope, {})));
  }
}

std::vector<double> OverloadWatch::Pressures() {
  std::vector<double> pressures;
  std::optional<double> heap, host, container;  // Each read once.
  for (const OverloadMonitor& monitor : config_.monitors) {
    switch (monitor.kind) {
      case OverloadMonitor::Kind::kHeap:
        if (!heap) heap = static_cast<double>(hooks_.heap_bytes());
        pressures.push_back(*heap / static_cast<double>(monitor.max_heap_bytes));
        break;
      case OverloadMonitor::Kind::kHostCpu:
        if (!host) host = hooks_.host_cpu();
        pressures.push_back(*host);
        break;
      case OverloadMonitor::Kind::kContainerCpu:
        if (!container) container = hooks_.container_cpu();
        pressures.push_back(*container);
        break;
    }
  }
  return pressures;
}

void OverloadWatch::Refresh() {
  if (config_.monitors.empty()) return;
  const std::vector<double> pressures = Pressures();
  double heap = 0;
  double cpu = 0;
  for (size_t i = 0; i < pressures.size(); ++i) {
    double& kind = config_.monitors[i].kind == OverloadMonitor::Kind::kHeap ? heap : cpu;
    kind = std::max(kind, pressures[i]);
  }
  if (heap_stats_) heap_stats_->pressure.Set(static_cast<uint64_t>(heap * 100));
  if (cpu_stats_) cpu_stats_->pressure.Set(static_cast<uint64_t>(cpu * 100));
  for (size_t i = 0; i < config_.rules.size(); ++i) {
    uint32_t wanted = 0;
    for (const OverloadTrigger& trigger : config_.rules[i].triggers) {
      wanted = std::max(wanted, trigger.Wanted(pressures[trigger.monitor]));
    }
    action_stats_[i]->active.Set(wanted >= OverloadShare::kWhole ? 1 : 0);
    action_stats_[i]->scale_percent.Set(wanted * 100 / OverloadShare::kWhole);
    Act(config_.rules[i].action, wanted);
  }
  timer_.ArmIn(config_.interval);
}

void OverloadWatch::Act(OverloadAction action, uint32_t wanted) {
  const bool whole = wanted >= OverloadShare::kWhole;
  switch (action) {
    case OverloadAction::kStopAcceptingRequests:
      return state_.refuse_requests.Set(wanted);
    case OverloadAction::kRejectIncomingConnections:
      return state_.refuse_connections.Set(wanted);
    case OverloadAction::kDisableKeepalive:
      return state_.end_connections.Set(wanted);
    case OverloadAction::kStopAcceptingConnections:
      if (std::exchange(holding_, whole) != whole) hooks_.hold_accepting(whole);
      return;
    case OverloadAction::kShrinkHeap:
      if (!whole || (shrunk_at_ != 0 && loop_.now() - shrunk_at_ < kBetweenShrinks)) return;
      shrunk_at_ = loop_.now();
      hooks_.shrink_heap();
  }
}

}  // namespace proxenos::server
