// Server: the process: its main loop and what lives on it, its workers, its beginning and its end.
//
//   kPreInitializing --Start--> kInitializing --clusters, then listeners ready--> kLive
//        any --SIGTERM, quit--> kDraining --> Run returns
//
// Start-up order: static clusters and CDS first; once those have settled, listeners, static ones
// and LDS. So nothing is accepted that could not be served.
//
// Owner: main(). Thread: main.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/file_sink.h"
#include "source/base/clock.h"
#include "source/downstream/connection_limit.h"
#include "source/downstream/listener_config.h"
#include "source/event/event_loop.h"
#include "source/filter/environment.h"
#include "source/net/dns_resolvers.h"
#include "source/server/bootstrap.h"
#include "source/server/config_sources.h"
#include "source/server/config_stats.h"
#include "source/server/config_store.h"
#include "source/server/dns_caches.h"
#include "source/server/heap_trim.h"
#include "source/server/listen_sockets.h"
#include "source/server/main_clusters.h"
#include "source/server/options.h"
#include "source/server/overload_watch.h"
#include "source/server/publisher.h"
#include "source/server/signals.h"
#include "source/server/turn_counter.h"
#include "source/server/worker.h"
#include "source/stat_sinks/stat_sink.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"
#include "source/stats/tag_rules.h"
#include "source/upstream/zone_routing.h"

namespace proxenos::server {

class ReportServices;
class ServerAdmin;

enum class ServerState : uint8_t { kPreInitializing, kInitializing, kLive, kDraining };

class Server {
 public:
  Server(Options options, LoadedBootstrap bootstrap);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Makes everything, opens the admin port, starts the workers and asks for configuration. Error:
  // why the process cannot serve.
  absl::Status Start();
  // Serves until told to end.
  void Run();
  // Whether it ended because of an error.
  bool failed() const { return !start_error_.ok(); }

  // For the admin endpoint.
  ServerState state() const { return failing_health_ ? ServerState::kDraining : state_; }
  bool live() const { return state() == ServerState::kLive; }
  void Quit();  // At once.
  void FailHealth(bool fail);
  // All files that lines go to, by their names: who rotates them has moved them away.
  void ReopenLogs();
  struct DrainRequest {
    bool graceful = false;   // Connections are told to end first, for the drain time.
    bool skip_exit = false;  // With graceful: keep the listeners open afterwards.
    bool inbound_only = false;
  };
  void DrainListeners(const DrainRequest& request);
  absl::Status ModifyRuntime(const RuntimeStore::Changes& changes);
  const Options& options() const { return options_; }
  const LoadedBootstrap& bootstrap() const { return bootstrap_; }
  const config::IgnoredFields& dynamic_ignored() const { return dynamic_ignored_; }
  const ConfigStore& store() const { return *store_; }
  const ListenSockets& sockets() const { return *sockets_; }
  const ConfigSources& sources() const { return *sources_; }
  const downstream::ConnectionLimit& connection_limit() const { return connection_limit_; }
  stats::Registry& registry() { return registry_; }
  const stats::StatView& stat_view() const { return stat_view_; }
  access_log::LogWriter& log_writer() { return log_writer_; }
  base::Clock& clock() { return clock_; }
  event::EventLoop& loop() { return loop_; }
  base::WallTime started_at() const { return started_at_; }
  uint32_t concurrency() const { return static_cast<uint32_t>(workers_.size()); }

 private:
  void LimitConnections(const runtime::Snapshot& runtime);
  void MakeWorkers();
  void CountTurns();
  void MakeOverloadWatch();
  void MakeStore();
  void NoteLocalHosts(const Batch& batch);
  // Moves on in the start-up order when what it waits for is there.
  void Advance();
  bool ClustersReady() const;
  bool ListenersReady() const;
  void OnSignal(int signal);
  void BeginShutdown();
  void CheckShutdown();
  void Fail(const absl::Status& status);
  void FlushStats();
  void MakeSinks();

  const Options options_;
  const LoadedBootstrap bootstrap_;
  const filter::LocalNode node_;
  config::IgnoredFields dynamic_ignored_;
  access_log::LogWriter log_writer_;  // Outlives all that may hold a log, the loop included.
  base::RealClock clock_;
  event::EventLoop loop_;
  stats::Registry registry_;
  const stats::StatView stat_view_;
  TurnCounter turns_;  // With enable_dispatcher_stats alone.
  downstream::ConnectionLimit connection_limit_;
  net::DnsResolvers resolvers_;
  std::unique_ptr<DnsCaches> dns_caches_;
  // Null without a local cluster.
  // tidy: allow shared-mutable: written here, read by workers; it says itself how.
  std::shared_ptr<upstream::LocalZones> local_zones_;
  downstream::ListenerCompiler listener_compiler_;
  std::unique_ptr<OverloadWatch> overload_;  // Null: nothing to watch.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<ListenSockets> sockets_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<MainClusters> main_clusters_;
  HeapTrim heap_trim_;
  std::unique_ptr<ConfigStore> store_;
  std::unique_ptr<ConfigSources> sources_;
  std::unique_ptr<ConfigStats> config_stats_;
  std::unique_ptr<ServerAdmin> admin_;
  std::unique_ptr<ReportServices> reports_;
  std::vector<std::unique_ptr<stat_sinks::StatSink>> sinks_;
  std::unique_ptr<Signals> signals_;
  event::Timer start_timer_;
  event::Timer flush_timer_;  // Ends the intervals of histograms: stats_flush_interval.
  event::Timer shutdown_timer_;
  base::MonoTime shutdown_by_ = 0;
  ServerState state_ = ServerState::kPreInitializing;
  base::WallTime started_at_;
  const base::MonoTime made_at_;
  stats::Group<stats::ServerStartStats> start_stats_;  // Once it serves.
  bool failing_health_ = false;
  bool listeners_asked_ = false;
  absl::Status start_error_;
  std::optional<event::Timer> stop_after_drain_;
  std::atomic<uint32_t> stopped_workers_{0};  // That accept no more, of BeginShutdown.
};

}  // namespace proxenos::server
