// The process from start to end.
#include "source/server/server.h"

#include <malloc.h>
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "source/admin/process_memory.h"
#include "source/base/log.h"
#include "source/json/struct_config.h"
#include "source/runtime/setting.h"
#include "source/server/builtin_filters.h"
#include "source/server/compilers.h"
#include "source/server/report_services.h"
#include "source/server/resource_pressure.h"
#include "source/server/server_admin.h"
#include "source/server/static_resources.h"
#include "source/server/stats_config.h"
#include "source/stat_sinks/sink_config.h"
#include "source/tracing/tracing_config.h"
#include "source/waf/audit_log.h"
#include "source/xds/type_url.h"

namespace proxenos::server {
namespace {

using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;

constexpr base::Nanos kTick = 10 * base::kMillisecond;

uint32_t WorkerCount(const Options& options) {
  if (options.concurrency) return *options.concurrency;
  if (options.cpuset_threads) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
      return static_cast<uint32_t>(std::max(CPU_COUNT(&set), 1));
    }
  }
  return std::max(std::thread::hardware_concurrency(), 1u);
}

// Each worker to one CPU of those that the process may use, in their order.
void PinWorkers(const std::vector<std::unique_ptr<Worker>>& workers) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  if (static_cast<size_t>(CPU_COUNT(&allowed)) < workers.size()) {
    PX_LOG(kMain, kWarn, "enable_worker_cpu_affinity: there are fewer CPUs than workers, none of ",
           "which is pinned");
    return;
  }
  int cpu = -1;
  for (const auto& worker : workers) {
    do {
      ++cpu;
    } while (!CPU_ISSET(cpu, &allowed));
    worker->Post([cpu](Worker&) {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(cpu, &own);
      sched_setaffinity(0, sizeof(own), &own);  // Of this thread. It serves without as well.
    });
  }
}

base::Nanos FlushInterval(const Bootstrap& bootstrap) {
  if (!bootstrap.has_stats_flush_interval()) return 5 * base::kSecond;
  const auto& interval = bootstrap.stats_flush_interval();
  return std::max(interval.seconds() * base::kSecond + interval.nanos(), base::kMillisecond);
}

// Validate has told what is wrong with it.
stats::StatView ViewOfStats(const Bootstrap& bootstrap) {
  config::Errors errors;
  return CompileStatView(bootstrap.stats_config(), errors, config::Path());
}

// tidy: allow shared-mutable: it guards itself.
std::shared_ptr<upstream::LocalZones> ZonesOf(const Bootstrap& bootstrap) {
  const std::string& cluster = bootstrap.cluster_manager().local_cluster_name();
  if (cluster.empty()) return nullptr;
  const auto& here = bootstrap.node().locality();
  // tidy: allow shared-mutable: as above.
  return std::make_shared<upstream::LocalZones>(
      upstream::Locality{here.region(), here.zone(), here.sub_zone()}, cluster);
}

}  // namespace

Server::Server(Options options, LoadedBootstrap bootstrap)
    : options_(std::move(options)),
      bootstrap_(std::move(bootstrap)),
      node_{bootstrap_.proto.node().id(), bootstrap_.proto.node().cluster(),
            json::FromProto(bootstrap_.proto.node().metadata()),
            bootstrap_.proto.node().locality().zone()},
      log_writer_(std::min(options_.file_flush_interval, base::kSecond)),
      loop_(clock_),
      stat_view_(ViewOfStats(bootstrap_.proto)),
      connection_limit_(MaxConnections(bootstrap_.proto)),
      resolvers_(loop_),
      dns_caches_(std::make_unique<DnsCaches>(loop_, registry_, resolvers_)),
      local_zones_(ZonesOf(bootstrap_.proto)),
      listener_compiler_{BuiltinFilters(), &log_writer_, BuiltinListenerFilters(),
                         BuiltinNetworkFilters()},
      heap_trim_(loop_.timers(), [] { malloc_trim(/*pad=*/0); }),
      start_timer_(loop_.timers(), [this] { Advance(); }),
      flush_timer_(loop_.timers(), [this] { FlushStats(); }),
      shutdown_timer_(loop_.timers(), [this] { CheckShutdown(); }),
      started_at_(clock_.Wall()),
      made_at_(clock_.Mono()) {}

Server::~Server() {
  // Workers first: they use everything else.
  for (auto& worker : workers_) worker->StopAndJoin();
  sinks_.clear();
  reports_.reset();
  admin_.reset();
  config_stats_.reset();
  sources_.reset();
  store_.reset();
  workers_.clear();
}

void Server::MakeOverloadWatch() {
  config::Errors errors;  // Validate has told.
  OverloadConfig config =
      CompileOverload(bootstrap_.proto.overload_manager(), errors, config::Path());
  if (config.rules.empty()) return;
  OverloadWatch::Hooks hooks;
  hooks.pressure = [this,
                    resources = ResourcePressure("")](const OverloadMonitor& monitor) mutable {
    return resources.Read(monitor, loop_.now());
  };
  hooks.rearm_timers = [this] {
    for (auto& worker : workers_) worker->Post([](Worker& self) { self.RearmTimers(); });
  };
  hooks.reset_heavy_streams = [this](uint64_t least) {
    for (auto& worker : workers_) {
      worker->Post([least](Worker& self) { self.ResetHeavyStreams(least); });
    }
  };
  hooks.shrink_heap = [] { admin::ReleaseFreeMemory(); };
  hooks.hold_accepting = [this](bool on) {
    for (auto& worker : workers_) {
      worker->Post([on](Worker& self) { self.HoldAccepting(on); });
    }
  };
  overload_ =
      std::make_unique<OverloadWatch>(loop_, registry_, std::move(config), std::move(hooks));
}

void Server::MakeWorkers() {
  MakeOverloadWatch();
  const uint32_t count = WorkerCount(options_);
  for (uint32_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, clock_, registry_, connection_limit_));
    workers_.back()->SetNode(&node_);
    workers_.back()->SetDemands([this](Demand demand) {
      loop_.Post([this, demand = std::move(demand)] { store_->Ask(demand); });
    });
    if (overload_ != nullptr) workers_.back()->SetOverload(&overload_->state());
  }
  if (bootstrap_.proto.enable_dispatcher_stats()) CountTurns();
  sockets_ = std::make_unique<ListenSockets>(count);
  publisher_ = std::make_unique<Publisher>(workers_, *sockets_, options_.drain_time);
}

void Server::CountTurns() {
  turns_.Begin(loop_, registry_, stats::ScopeName(stats::kServerDispatcherScope, {}));
  for (const auto& worker : workers_) worker->CountTurns(registry_);
}

void Server::MakeStore() {
  config::Errors errors;  // Validate has told.
  listener_compiler_.tracer = tracing::CompileBootstrapTracer(bootstrap_.proto, errors);
  ConfigStoreHooks hooks;
  hooks.publish = [this](Batch batch) {
    dns_caches_->Complete(batch);
    if (main_clusters_->Apply(batch)) sources_->OnClusters();
    heap_trim_.Note(batch.clusters.size() + batch.hosts.size() + batch.routes.size() +
                    batch.listeners.size() + batch.removed_clusters.size());
    if (local_zones_ != nullptr) NoteLocalHosts(batch);
    if (batch.runtime != nullptr) LimitConnections(*batch.runtime);
    publisher_->Publish(std::move(batch));
  };
  hooks.want = [this](const WantedNames::Change& change) { sources_->Want(change); };
  hooks.make_dns = [this](std::shared_ptr<const upstream::ClusterConfig> config,
                          upstream::DnsCluster::OnAssignment on_assignment) {
    // Without a choice of its own a cluster asks the system's servers.
    auto resolver = resolvers_.Share(config->dns->resolver);
    return std::make_unique<upstream::DnsCluster>(loop_, std::move(resolver), std::move(config),
                                                  std::move(on_assignment));
  };
  hooks.admit_listener = [this](const downstream::ListenerConfig& next,
                                const downstream::ListenerConfig*) { return sockets_->Bind(next); };
  hooks.check_source = [this](const std::string& type, const SourceKey& source,
                              absl::string_view name) {
    return sources_->Check(type, source, name);
  };
  hooks.find_collection = [this](const std::string& type, const SourceKey& source,
                                 const std::string& locator) {
    return sources_->CollectionOf(type, source, locator);
  };
  hooks.find_demand_source = [this](const std::string& config_source) {
    return sources_->SourceOfDemands(config_source);
  };
  hooks.health.log_writer = &log_writer_;
  hooks.health.outlier_event_log =
      bootstrap_.proto.cluster_manager().outlier_detection().event_log_path();
  hooks.report_load = ReportsLoad(bootstrap_.proto);
  hooks.drain_time = options_.drain_time;
  const config::UnknownFields unknown = options_.reject_unknown_dynamic_fields
                                            ? config::UnknownFields::kReject
                                            : config::UnknownFields::kIgnore;
  store_ = std::make_unique<ConfigStore>(
      loop_, registry_, MakeCompilers(listener_compiler_, dynamic_ignored_, unknown, local_zones_),
      std::move(hooks));
}

// Of several in one batch the last counts.
void Server::NoteLocalHosts(const Batch& batch) {
  const auto note = [this](const upstream::PublishedCluster& cluster) {
    if (cluster.config->name == local_zones_->cluster()) local_zones_->Set(*cluster.hosts);
  };
  for (const auto& cluster : batch.clusters) note(*cluster);
  for (const auto& cluster : batch.hosts) note(*cluster);
}

absl::Status Server::Start() {
  MakeWorkers();
  main_clusters_ = std::make_unique<MainClusters>(loop_, registry_, bootstrap_.proto);
  MakeStore();
  sources_ = std::make_unique<ConfigSources>(
      loop_, bootstrap_.proto,
      [this](const SourceKey& source, const xds::TypeUpdate& update) {
        return store_->Apply(source, update);
      },
      [](const std::string& type, const SourceKey&) {
        PX_LOG(kConfig, kWarn, "no configuration of type ", type,
               " came within initial_fetch_timeout; going on without");
      });
  sources_->UseClusters([this](const std::string& name) { return main_clusters_->Find(name); });
  absl::Status status = sources_->Prepare();
  if (!status.ok()) return status;
  config_stats_ = std::make_unique<ConfigStats>(
      registry_, *store_, *sources_, ConfigStats::Ignored{bootstrap_.ignored, dynamic_ignored_});
  admin_ = std::make_unique<ServerAdmin>(*this);
  status = admin_->Start();
  if (!status.ok()) return status;
  config::Errors errors;
  store_->runtime().Begin(bootstrap_.proto, errors);
  if (!errors.ok()) return errors.ToStatus();
  status = AddStaticSecrets(bootstrap_.proto, *store_);
  if (status.ok()) status = AddStaticClusters(bootstrap_.proto, *store_);
  if (!status.ok()) return status;
  signals_ = std::make_unique<Signals>(loop_, [this](int signal) { OnSignal(signal); });
  for (auto& worker : workers_) worker->Start();
  if (bootstrap_.proto.enable_worker_cpu_affinity()) PinWorkers(workers_);
  state_ = ServerState::kInitializing;
  if (overload_ != nullptr) overload_->Start();
  MakeSinks();
  FlushStats();
  sources_->Start();
  // A turn each settles what need not wait of clusters and of listeners, so that a static
  // configuration is live at once.
  for (int turn = 0; turn < 2; ++turn) {
    loop_.RunOnce(0);
    Advance();
  }
  return start_error_;
}

absl::Status Server::ModifyRuntime(const RuntimeStore::Changes& changes) {
  return store_->runtime().Modify(changes);
}

// The overload manager's monitor, where there is one, takes the place of the key.
void Server::LimitConnections(const runtime::Snapshot& runtime) {
  const uint64_t monitored = MaxConnections(bootstrap_.proto);
  const runtime::IntegerSetting limit{UINT64_MAX, "overload.global_downstream_max_connections"};
  connection_limit_.SetMost(monitored == UINT64_MAX ? limit.Get(&runtime) : monitored);
}

bool Server::ClustersReady() const {
  if (!store_->runtime().ready() || store_->clusters().startup_count() > 0) return false;
  return !sources_->has_cds() || sources_->Answered(xds::kClusterType);
}

bool Server::ListenersReady() const {
  if (sources_->has_lds() && !sources_->Answered(xds::kListenerType)) return false;
  return store_->listeners().warming_count() == 0;
}

void Server::Advance() {
  if (state_ != ServerState::kInitializing) return;
  if (!listeners_asked_ && ClustersReady()) {
    listeners_asked_ = true;
    const absl::Status status = AddStaticListeners(bootstrap_.proto, *store_);
    if (!status.ok()) return Fail(status);
    sources_->StartListeners();
    reports_ = std::make_unique<ReportServices>(
        bootstrap_.proto, ReportServices::Surroundings{{loop_, registry_, &log_writer_},
                                                       store_->clusters(),
                                                       *sources_,
                                                       *main_clusters_,
                                                       dynamic_ignored_});
    // They settle in a turn of their own. Not in one within this turn: its end would destroy what
    // this one still has events for.
    start_timer_.ArmIn(kTick);
    return;
  }
  if (listeners_asked_ && ListenersReady()) {
    state_ = ServerState::kLive;
    start_stats_ =
        registry_.Open<stats::ServerStartStats>(stats::ScopeName(stats::kServerScope, {}));
    start_stats_->initialization_time_ms.Record(
        static_cast<uint64_t>((clock_.Mono() - made_at_) / base::kMillisecond));
    PX_LOG(kMain, kInfo, "all clusters and listeners are initialized; live with ", workers_.size(),
           " workers");
    return;
  }
  start_timer_.ArmIn(kTick);
}

void Server::MakeSinks() {
  config::Errors errors;  // Validate has told.
  const stat_sinks::SinkSurroundings surroundings{loop_, registry_, stat_view_, started_at_};
  for (stat_sinks::SinkConfig& config : stat_sinks::CompileSinks(bootstrap_.proto, errors)) {
    sinks_.push_back(stat_sinks::MakeSink(
        std::move(config), surroundings,
        [this](const std::string& name) { return main_clusters_->Find(name); }));
  }
}

void Server::FlushStats() {
  registry_.FlushIntervals();
  if (!sinks_.empty() && state_ != ServerState::kPreInitializing) {
    const std::vector<stats::ScopeReading> readings = registry_.Read();
    for (const auto& sink : sinks_) sink->Flush(readings, loop_.wall_now());
  }
  flush_timer_.ArmIn(FlushInterval(bootstrap_.proto));
}

void Server::FailHealth(bool fail) {
  failing_health_ = fail;
  for (const auto& worker : workers_) {
    worker->Post([fail](Worker& self) { self.SetFailingHealth(fail); });
  }
}

void Server::Fail(const absl::Status& status) {
  const absl::string_view message = status.message();
  PX_LOG(kMain, kCritical, message);
  start_error_ = status;
  loop_.Stop();
}

void Server::Run() {
  if (start_error_.ok()) loop_.Run();
  for (auto& worker : workers_) worker->StopAndJoin();
  log_writer_.Flush();
}

void Server::ReopenLogs() {
  log_writer_.Reopen();
  waf::AuditLog::ReopenAll();
  (void)base::Log::Reopen();
}

void Server::OnSignal(int signal) {
  switch (signal) {
    case SIGUSR1:
      return ReopenLogs();
    case SIGHUP:
      PX_LOG(kMain, kWarn, "SIGHUP has no meaning here; configuration is watched");
      return;
    case SIGTERM:
      if (state_ == ServerState::kDraining) return Quit();
      PX_LOG(kMain, kInfo, "SIGTERM: draining for at most ", options_.drain_time / base::kSecond,
             " s");
      BeginShutdown();
      return;
    default:
      Quit();
  }
}

void Server::Quit() {
  state_ = ServerState::kDraining;
  loop_.Stop();
}

void Server::BeginShutdown() {
  state_ = ServerState::kDraining;
  shutdown_by_ = loop_.now() + options_.drain_time;
  for (auto& worker : workers_) {
    worker->Post([this](Worker& self) {
      self.StopListeners(/*inbound_only=*/false, /*drain=*/true);
      stopped_workers_.fetch_add(1);
    });
  }
  shutdown_timer_.ArmIn(kTick);
}

void Server::CheckShutdown() {
  if (stopped_workers_.load() == workers_.size() && connection_limit_.count() == 0) {
    loop_.Stop();
    return;
  }
  if (loop_.now() >= shutdown_by_) {
    PX_LOG(kMain, kWarn, "drain time is over: closing ", connection_limit_.count(), " connections");
    loop_.Stop();
    return;
  }
  shutdown_timer_.ArmIn(kTick);
}

void Server::DrainListeners(const DrainRequest& request) {
  const bool inbound = request.inbound_only;
  if (!request.graceful) {
    for (auto& worker : workers_) {
      worker->Post([inbound](Worker& self) { self.StopListeners(inbound, /*drain=*/true); });
    }
    return;
  }
  for (auto& worker : workers_) {
    worker->Post([inbound](Worker& self) { self.DrainConnections(inbound); });
  }
  if (request.skip_exit) return;
  stop_after_drain_.emplace(loop_.timers(), [this, inbound] {
    for (auto& worker : workers_) {
      worker->Post([inbound](Worker& self) { self.StopListeners(inbound, /*drain=*/true); });
    }
  });
  stop_after_drain_->ArmIn(options_.drain_time);
}

}  // namespace proxenos::server
