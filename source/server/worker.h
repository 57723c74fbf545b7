// Worker: one thread with its own loop, listeners, clusters, pools and stats. Room 7 of an update
// (docs/life_of_an_update.md): applies what the main thread publishes, between requests.
//
// Owner: the Server. Thread: the constructor, Post, Start, Join and the destructor on the main
// thread; everything else on its own. Dies when: the server has joined it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "source/access_log/remote_logs.h"
#include "source/base/clock.h"
#include "source/downstream/listener.h"
#include "source/event/event_loop.h"
#include "source/runtime/snapshot.h"
#include "source/server/batch.h"
#include "source/server/destinations.h"
#include "source/server/turn_counter.h"
#include "source/server/worker_demands.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::server {

class Worker {
 public:
  Worker(uint32_t index, base::Clock& clock, stats::Registry& registry,
         downstream::ConnectionLimit& connection_limit);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Counts how long the loop's turns take. REQUIRES: before Start.
  void CountTurns(stats::Registry& registry);
  void Start();
  // Runs `work` on the worker's thread. Thread: any.
  void Post(absl::AnyInvocable<void(Worker&)> work);
  // Ends the thread; what is under way is cut.
  void StopAndJoin();

  uint32_t index() const { return index_; }
  // The rest is called on the worker's thread.

  void SetRuntime(std::shared_ptr<const runtime::Snapshot> runtime) {
    runtime_ = std::move(runtime);
    context_.environment.runtime = runtime_.get();
  }
  void SetCluster(std::shared_ptr<const upstream::PublishedCluster> cluster) {
    clusters_.Set(std::move(cluster));
  }
  void SetHosts(std::shared_ptr<const upstream::PublishedCluster> cluster) {
    clusters_.SetHosts(std::move(cluster));
  }
  void RemoveCluster(const std::string& name) { clusters_.Remove(name); }
  // After each of these three: sessions of datagrams depend on their hosts.
  void OnClustersChanged();
  void SetRoutes(const std::string& name, std::shared_ptr<const downstream::RouteSnapshot> routes);
  void RemoveRoutes(const std::string& name);
  void SetClusterTls(const std::string& cluster, size_t socket,
                     std::shared_ptr<const tls::ClientContext> context) {
    clusters_.SetTls(cluster, socket, std::move(context));
  }
  // Starts a listener. One of the same name drains; without `sockets` its own go on. Where only
  // filter chains have changed, that one goes on and those drain.
  void SetListener(const PublishedListener& published,
                   std::optional<std::vector<net::UniqueFd>> sockets, base::Nanos drain_time);
  // Before Start; `node` outlives it.
  void SetNode(const filter::LocalNode* node) { context_.environment.node = node; }
  // Before Start; `overload` outlives it.
  void SetOverload(const base::Overload* overload) {
    context_.environment.overload = overload;
    clusters_.SetOverload(overload);
  }
  // The overload manager has changed how long timeouts are.
  void RearmTimers();
  // Resets streams that hold at least so many bytes of bodies, the heaviest first.
  void ResetHeavyStreams(uint64_t least);
  // While on, no listener accepts.
  void HoldAccepting(bool on);
  // Before Start; `send` takes demands to the main thread.
  void SetDemands(WorkerDemands::Send send) { demands_.SetSend(std::move(send)); }
  void OnAnswer(const DemandAnswer& answer) { demands_.OnAnswer(answer); }
  void SetFailingHealth(bool failing) { context_.environment.failing_health = failing; }
  // Another context for the filter chain `chain` of the listener in force.
  void SetListenerTls(const std::string& listener, size_t chain,
                      std::shared_ptr<const tls::ServerContext> context);
  // Other filters for that chain; streams that began go on with theirs.
  void SetListenerFilters(const std::string& listener, size_t chain,
                          std::shared_ptr<const filter::FilterFactories> filters);
  void SetListenerScopes(const std::string& listener, size_t chain,
                         std::shared_ptr<const downstream::ScopeTable> scopes);
  void RemoveListener(const std::string& name, base::Nanos drain_time);
  // Stops accepting everywhere (or on inbound listeners only); with `drain`, connections are told
  // to end.
  void StopListeners(bool inbound_only, bool drain);
  // Connections are told to end, but accepting goes on (drain_listeners?graceful).
  void DrainConnections(bool inbound_only);

 private:
  struct Serving {
    std::unique_ptr<downstream::Listener> listener;
    std::vector<downstream::ChainCells> cells;  // By filter chain.
  };
  struct Draining {
    std::unique_ptr<downstream::Listener> listener;
    base::MonoTime until;
  };

  void Run();
  base::Rc<downstream::RouteCell> RoutesNamed(const std::string& name);
  void SetScopes(downstream::ScopeCell& cell, std::shared_ptr<const downstream::ScopeTable> scopes);
  // The listener that connections to such an address belong to, or null.
  downstream::Listener* FindListener(const net::Address& destination);
  // One end of a pipe to an internal listener, which is going to accept the other.
  net::UniqueFd ConnectInternally(const net::Address& address);
  // Of the chains that are not kept.
  std::vector<downstream::ChainCells> MakeCells(const PublishedListener& published);
  void SetChains(Serving& serving, const PublishedListener& published, base::Nanos drain_time);
  void StartDraining(std::unique_ptr<downstream::Listener> listener, base::Nanos drain_time);
  void ForEachListener(absl::FunctionRef<void(downstream::Listener&)> visit);
  // Sees to what drains at intervals, however often more of it comes.
  void WatchDraining();
  void OnDrainTimer();

  const uint32_t index_;
  event::EventLoop loop_;
  upstream::ClusterMap clusters_;
  TurnCounter turns_;
  WorkerDemands demands_;
  downstream::DateCache date_;
  std::shared_ptr<const runtime::Snapshot> runtime_;
  downstream::WorkerContext context_;
  std::optional<access_log::RemoteLogs> remote_logs_;  // Dies on the worker's thread.
  absl::flat_hash_map<std::string, base::Rc<downstream::RouteCell>> routes_;
  absl::flat_hash_map<std::string, Serving> listeners_;
  std::optional<Destinations> destinations_;  // Of listeners_; nullopt: nobody has asked since.
  std::vector<Draining> draining_;
  event::Timer drain_timer_;
  bool holding_ = false;
  std::thread thread_;
};

}  // namespace proxenos::server
