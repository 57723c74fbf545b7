// Names, and what each of them may be configured with.
#include "source/server/overload_config.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "envoy/extensions/resource_monitors/cgroup_memory/v3/cgroup_memory.pb.h"
#include "envoy/extensions/resource_monitors/cpu_utilization/v3/cpu_utilization.pb.h"
#include "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.pb.h"
#include "envoy/extensions/resource_monitors/injected_resource/v3/injected_resource.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::server {
namespace {

using base::Overload;
using base::OverloadShare;
using envoy::config::overload::v3::Trigger;
using CgroupMemory = envoy::extensions::resource_monitors::cgroup_memory::v3::CgroupMemoryConfig;
using Cpu = envoy::extensions::resource_monitors::cpu_utilization::v3::CpuUtilizationConfig;
using FixedHeap = envoy::extensions::resource_monitors::fixed_heap::v3::FixedHeapConfig;
using Injected =
    envoy::extensions::resource_monitors::injected_resource::v3::InjectedResourceConfig;
using Proto = envoy::config::overload::v3::OverloadManager;
using ScaleTimers = envoy::config::overload::v3::ScaleTimersOverloadActionConfig;
using ShrinkHeap = envoy::config::overload::v3::ShrinkHeapConfig;

constexpr base::Nanos kLeastInterval = 10 * base::kMillisecond;
constexpr absl::string_view kActionPrefix = "envoy.overload_actions.";

struct ActionRow {
  absl::string_view name;
  OverloadAction action;
};
constexpr ActionRow kActions[] = {
    {"envoy.overload_actions.stop_accepting_requests", OverloadAction::kStopAcceptingRequests},
    {"envoy.overload_actions.stop_accepting_connections",
     OverloadAction::kStopAcceptingConnections},
    {"envoy.overload_actions.reject_incoming_connections",
     OverloadAction::kRejectIncomingConnections},
    {"envoy.overload_actions.disable_http_keepalive", OverloadAction::kDisableKeepalive},
    {"envoy.overload_actions.shrink_heap", OverloadAction::kShrinkHeap},
    {"envoy.overload_actions.reduce_timeouts", OverloadAction::kReduceTimeouts},
    {"envoy.overload_actions.reset_high_memory_stream", OverloadAction::kResetHeavyStreams},
};

struct PointRow {
  absl::string_view name;
  base::LoadShedPoint Overload::*point;
};
constexpr PointRow kPoints[] = {
    {"envoy.load_shed_points.tcp_listener_accept", &Overload::accept},
    {"envoy.load_shed_points.hcm_ondata_creating_codec", &Overload::codec},
    {"envoy.load_shed_points.http1_server_abort_dispatch", &Overload::http1_abort},
    {"envoy.load_shed_points.http2_server_go_away_on_dispatch", &Overload::go_away},
    {"envoy.load_shed_points.http2_server_go_away_and_close_on_dispatch", &Overload::go_away_close},
    {"envoy.load_shed_points.http_connection_manager_decode_headers", &Overload::request_head},
    {"envoy.load_shed_points.http_downstream_filter_check", &Overload::router},
    {"envoy.load_shed_points.connection_pool_new_connection", &Overload::connect},
};

template <typename Row, size_t N>
const Row* FindRow(const Row (&rows)[N], absl::string_view name) {
  const auto row =
      std::find_if(rows, rows + N, [name](const Row& each) { return each.name == name; });
  return row == rows + N ? nullptr : row;
}

class Compiler {
 public:
  explicit Compiler(config::Errors& errors) : errors_(errors) {}

  OverloadConfig Compile(const Proto& proto, const config::Path& path);

 private:
  void AddMonitor(const envoy::config::overload::v3::ResourceMonitor& proto,
                  const config::Path& path);
  // Nothing: it is of a kind that acts by itself, or broken.
  std::optional<OverloadMonitor> CompileMonitor(const google::protobuf::Any& proto,
                                                const config::Path& path);
  void AddAction(const envoy::config::overload::v3::OverloadAction& proto, const Proto& manager,
                 const config::Path& path);
  void AddPoint(const envoy::config::overload::v3::LoadShedPoint& proto, const config::Path& path);
  // False: the name is taken.
  bool TakeName(const std::string& name, const config::Path& path);
  void ReadTypedConfig(const google::protobuf::Any& proto, OverloadRule& rule,
                       const config::Path& path);
  void ReadTimeouts(const ScaleTimers& proto, OverloadRule& rule, const config::Path& path);
  OverloadTrigger CompileTrigger(const Trigger& proto, size_t monitor, const config::Path& path);
  void ReadTriggers(const google::protobuf::RepeatedPtrField<Trigger>& triggers, OverloadRule& rule,
                    const config::Path& path);

  config::Errors& errors_;
  OverloadConfig config_;
  absl::flat_hash_map<std::string, size_t> monitors_;
  absl::flat_hash_set<std::string> names_;
  std::array<bool, Overload::kTimeouts> reduced_ = {};
};

std::optional<OverloadMonitor> Compiler::CompileMonitor(const google::protobuf::Any& proto,
                                                        const config::Path& path) {
  using Kind = OverloadMonitor::Kind;
  const std::string type = config::TypedConfigType(proto);
  if (FixedHeap heap; type == heap.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, heap, path, errors_)) return std::nullopt;
    return OverloadMonitor{"", Kind::kHeap, heap.max_heap_size_bytes()};
  }
  if (Cpu cpu; type == cpu.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, cpu, path, errors_)) return std::nullopt;
    return OverloadMonitor{"", cpu.mode() == Cpu::HOST ? Kind::kHostCpu : Kind::kContainerCpu};
  }
  if (CgroupMemory memory; type == memory.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, memory, path, errors_)) return std::nullopt;
    return OverloadMonitor{"", Kind::kContainerMemory, memory.max_memory_bytes()};
  }
  if (Injected injected; type == injected.GetTypeName()) {
    if (!config::UnpackTypedConfigTo(proto, injected, path, errors_)) return std::nullopt;
    return OverloadMonitor{"", Kind::kFile, 0, injected.filename()};
  }
  // A name alone would watch over nothing.
  if (type.empty()) errors_.AddValue(path, "without a type", "that of a resource monitor");
  return std::nullopt;
}

void Compiler::AddMonitor(const envoy::config::overload::v3::ResourceMonitor& proto,
                          const config::Path& path) {
  auto compiled = CompileMonitor(proto.typed_config(), path.Field("typed_config"));
  if (!compiled.has_value()) return;
  compiled->name = proto.name();
  if (!monitors_.emplace(proto.name(), config_.monitors.size()).second) {
    errors_.AddValue(path.Field("name"), proto.name(), "a name that no other monitor has");
    return;
  }
  config_.monitors.push_back(*std::move(compiled));
}

OverloadTrigger Compiler::CompileTrigger(const Trigger& proto, size_t monitor,
                                         const config::Path& path) {
  if (proto.has_threshold()) return {monitor, proto.threshold().value(), proto.threshold().value()};
  const OverloadTrigger trigger{monitor, proto.scaled().scaling_threshold(),
                                proto.scaled().saturation_threshold()};
  if (trigger.from >= trigger.whole) {
    errors_.Add(path.Field("scaled"), "scaling_threshold must be less than saturation_threshold");
  }
  return trigger;
}

void Compiler::ReadTriggers(const google::protobuf::RepeatedPtrField<Trigger>& triggers,
                            OverloadRule& rule, const config::Path& path) {
  absl::flat_hash_set<size_t> used;
  for (int i = 0; i < triggers.size(); ++i) {
    const config::Path at = path.Field("triggers").Index(i);
    const auto monitor = monitors_.find(triggers[i].name());
    if (monitor == monitors_.end()) {
      errors_.AddValue(at.Field("name"), triggers[i].name(),
                       "the name of a monitor of resource_monitors, other than that of "
                       "downstream connections, which acts by itself");
      continue;
    }
    if (!used.insert(monitor->second).second) {
      errors_.AddValue(at.Field("name"), triggers[i].name(), "one trigger for each monitor");
    }
    rule.triggers.push_back(CompileTrigger(triggers[i], monitor->second, at));
  }
}

bool Compiler::TakeName(const std::string& name, const config::Path& path) {
  if (names_.insert(name).second) return true;
  errors_.AddValue(path.Field("name"), name, "a name that no other action or point has");
  return false;
}

void Compiler::ReadTimeouts(const ScaleTimers& proto, OverloadRule& rule,
                            const config::Path& path) {
  for (int i = 0; i < proto.timer_scale_factors_size(); ++i) {
    const ScaleTimers::ScaleTimer& factor = proto.timer_scale_factors(i);
    const config::Path at = path.Field("timer_scale_factors").Index(i);
    // In the order of the proto's numbers, which begin with 1.
    const auto timeout = static_cast<Overload::Timeout>(factor.timer() - 1);
    if (timeout >= Overload::kTimeouts) continue;  // Validation has told.
    if (std::exchange(reduced_[timeout], true)) {
      errors_.AddValue(at.Field("timer"), ScaleTimers::TimerType_Name(factor.timer()),
                       "each timer once, in all actions together");
    }
    LeastTimeout least{timeout};
    if (factor.has_min_scale()) {
      least.part = factor.min_scale().value() / 100;
    } else {
      least.least = factor.min_timeout().seconds() * base::kSecond + factor.min_timeout().nanos();
    }
    rule.timeouts.push_back(least);
  }
}

void Compiler::ReadTypedConfig(const google::protobuf::Any& proto, OverloadRule& rule,
                               const config::Path& path) {
  const std::string type = config::TypedConfigType(proto);
  if (ScaleTimers timers; rule.action == OverloadAction::kReduceTimeouts) {
    if (type != timers.GetTypeName()) {
      errors_.AddValue(path, type.empty() ? "without a type" : type, timers.GetTypeName());
    } else if (config::UnpackTypedConfigTo(proto, timers, path, errors_)) {
      ReadTimeouts(timers, rule, path);
    }
    return;
  }
  if (type.empty()) return;
  ShrinkHeap shrink;
  if (rule.action != OverloadAction::kShrinkHeap || type != shrink.GetTypeName()) {
    errors_.AddValue(path, type, "nothing: this action is not configured by it");
  } else if (config::UnpackTypedConfigTo(proto, shrink, path, errors_) &&
             shrink.has_timer_interval()) {
    rule.every =
        shrink.timer_interval().seconds() * base::kSecond + shrink.timer_interval().nanos();
  }
}

void Compiler::AddAction(const envoy::config::overload::v3::OverloadAction& proto,
                         const Proto& manager, const config::Path& path) {
  const ActionRow* row = FindRow(kActions, proto.name());
  // By any other name the type says what it is.
  const bool named_at_will =
      row == nullptr && !absl::StartsWith(proto.name(), kActionPrefix) &&
      config::TypedConfigType(proto.typed_config()) == ScaleTimers::descriptor()->full_name();
  if (row == nullptr && !named_at_will) {
    errors_.AddValue(path.Field("name"), proto.name(),
                     "envoy.overload_actions. and one of stop_accepting_requests, "
                     "stop_accepting_connections, reject_incoming_connections, "
                     "disable_http_keepalive, shrink_heap, reduce_timeouts and "
                     "reset_high_memory_stream");
    return;
  }
  if (!TakeName(proto.name(), path)) return;
  OverloadRule rule{proto.name(), row == nullptr ? OverloadAction::kReduceTimeouts : row->action};
  ReadTypedConfig(proto.typed_config(), rule, path.Field("typed_config"));
  if (rule.action == OverloadAction::kResetHeavyStreams) {
    rule.least_power = manager.buffer_factory_config().minimum_account_to_track_power_of_two();
    if (rule.least_power == 0) {
      errors_.Add(path,
                  "buffer_factory_config.minimum_account_to_track_power_of_two must say "
                  "which streams are looked at");
    }
  }
  ReadTriggers(proto.triggers(), rule, path);
  config_.rules.push_back(std::move(rule));
}

void Compiler::AddPoint(const envoy::config::overload::v3::LoadShedPoint& proto,
                        const config::Path& path) {
  const PointRow* row = FindRow(kPoints, proto.name());
  if (row == nullptr) {
    errors_.AddValue(path.Field("name"), proto.name(),
                     "envoy.load_shed_points. and one of tcp_listener_accept, "
                     "hcm_ondata_creating_codec, http1_server_abort_dispatch, "
                     "http2_server_go_away_on_dispatch, "
                     "http2_server_go_away_and_close_on_dispatch, "
                     "http_connection_manager_decode_headers, http_downstream_filter_check and "
                     "connection_pool_new_connection");
    return;
  }
  if (!TakeName(proto.name(), path)) return;
  OverloadRule rule{proto.name(), OverloadAction::kShedLoad};
  rule.point = row->point;
  ReadTriggers(proto.triggers(), rule, path);
  config_.rules.push_back(std::move(rule));
}

OverloadConfig Compiler::Compile(const Proto& proto, const config::Path& path) {
  if (proto.has_refresh_interval()) {
    config_.interval = std::max(
        proto.refresh_interval().seconds() * base::kSecond + proto.refresh_interval().nanos(),
        kLeastInterval);
  }
  for (int i = 0; i < proto.resource_monitors_size(); ++i) {
    AddMonitor(proto.resource_monitors(i), path.Field("resource_monitors").Index(i));
  }
  for (int i = 0; i < proto.actions_size(); ++i) {
    AddAction(proto.actions(i), proto, path.Field("actions").Index(i));
  }
  for (int i = 0; i < proto.loadshed_points_size(); ++i) {
    AddPoint(proto.loadshed_points(i), path.Field("loadshed_points").Index(i));
  }
  return std::move(config_);
}

}  // namespace

uint32_t OverloadTrigger::Wanted(double pressure) const {
  if (pressure >= whole) return OverloadShare::kWhole;
  if (pressure <= from) return 0;
  return static_cast<uint32_t>(OverloadShare::kWhole * (pressure - from) / (whole - from));
}

uint64_t OverloadRule::HeavyBytes(uint32_t wanted) const {
  const uint32_t step = OverloadShare::kWhole / kWeights;
  const uint32_t spared = kWeights - std::min(wanted / step + 1, kWeights);
  return uint64_t{1} << (least_power + spared);
}

OverloadConfig CompileOverload(const Proto& proto, config::Errors& errors,
                               const config::Path& path) {
  return Compiler(errors).Compile(proto, path);
}

}  // namespace proxenos::server
