// WorkerCluster: a cluster as one worker sees it: balancer, pools and stats of its own, over the
// configuration and hosts that all workers share. Room 7 of a request.
//
// Made when the worker first uses the cluster. Owner: the ClusterMap and the streams that use it.
// Thread: the worker's. Dies when: it was removed or replaced and the last stream let go.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "source/base/rc.h"
#include "source/event/event_loop.h"
#include "source/http1/decoder.h"
#include "source/net/socket.h"
#include "source/stats/cluster_stats.h"
#include "source/stats/http2_stats.h"
#include "source/stats/registry.h"
#include "source/stats/tls_factory_stats.h"
#include "source/stats/tls_stats.h"
#include "source/tls/agreement_stats.h"
#include "source/upstream/circuit_breaker.h"
#include "source/upstream/cluster.h"
#include "source/upstream/cluster_part.h"
#include "source/upstream/exchange.h"
#include "source/upstream/host_reports.h"
#include "source/upstream/host_set.h"
#include "source/upstream/load_balancer.h"
#include "source/upstream/load_counts.h"
#include "source/upstream/pick_request.h"
#include "source/upstream/pool.h"
#include "source/upstream/tls_cell.h"
#include "source/upstream/tracked_stats.h"

namespace proxenos::upstream {

class ClusterMap;
class DnsCache;
class HostSource;
class HostsByAddress;
class Lender;
class OrcaSink;
class SubsetHosts;
struct Loan;

// What the main thread publishes of a cluster.
struct PublishedCluster {
  std::shared_ptr<const ClusterConfig> config;
  std::shared_ptr<const CircuitBreakers> breakers;
  std::shared_ptr<const HostSet> hosts;
  // Of config->tls, in that order; null while a secret is missing.
  std::vector<std::shared_ptr<const tls::ClientContext>> tls = {};
  // Where what workers find out about hosts goes; null where nobody wants to know.
  std::shared_ptr<const HostReports> reports = nullptr;
  // Null where load is not reported.
  std::shared_ptr<const ClusterLoad> load = nullptr;
  // Of a dynamic forward proxy: the names that were asked for; else null.
  std::shared_ptr<const DnsCache> dns_cache = nullptr;
};

class WorkerCluster final : public base::RefCounted {
 public:
  WorkerCluster(event::EventLoop& loop, stats::Registry& registry, PublishedCluster published);
  ~WorkerCluster();

  // Picks a host and gets `exchange` a connection to it, a place to wait, or a failure.
  void Acquire(Exchange& exchange);

  // What an attempt at a host came to. Each attempt that got as far counts once: the host answered
  // with this status; a connection to it was had; it did not answer (in time).
  void CountResponse(const Host& host, uint16_t status);
  void CountConnected(const Host& host);
  void CountUnanswered(const Host& host, bool timeout);
  // It answered with x-envoy-immediate-health-check-fail.
  void CountImmediateFailure(const Host& host);
  // It answered with x-envoy-degraded.
  void CountDegraded(const Host& host);

  // Null unless the cluster's track_cluster_stats asks for something, or its load is reported.
  TrackedStats* tracked() { return tracked_.get(); }

  // Where reports of that host go; null: they are not read, as in most clusters.
  OrcaSink* OrcaOf(const Host& host) {
    return orca_ == nullptr && source_ == nullptr ? nullptr : FindOrca(host);
  }
  // drop_overloads refused a request.
  void CountOverloadDrop();

  // New hosts, same configuration: pools of hosts that stay are kept.
  void SetHosts(std::shared_ptr<const HostSet> hosts);
  // Lets go of a host that exchanges asked for by themselves (Exchange::wanted_host).
  void ForgetHost(uint64_t id);
  // Another context of transport socket `index` (of config().tls): for connections made from now.
  void SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context);
  // The cluster was removed or its configuration replaced: idle connections close, streams finish.
  void Drain();

  // Circuit breaker of requests under way, over all workers. A true TryAcquireRequest is paired
  // with a ReleaseRequest of the same priority.
  bool TryAcquireRequest(RoutingPriority priority = RoutingPriority::kDefault) {
    return counts(priority).requests.TryAcquire(thresholds(priority).max_requests);
  }
  void ReleaseRequest(RoutingPriority priority = RoutingPriority::kDefault) {
    counts(priority).requests.Release();
  }
  bool TryAcquireRetry(RoutingPriority priority = RoutingPriority::kDefault) {
    return counts(priority).retries.TryAcquire(MaxRetries(priority));
  }
  void ReleaseRetry(RoutingPriority priority = RoutingPriority::kDefault) {
    counts(priority).retries.Release();
  }

  const ClusterConfig& config() const { return *published_.config; }
  const HostSet& hosts() const { return *published_.hosts; }
  // Whether an exchange should tell its needs before Acquire.
  bool connections_vary() const { return connections_vary_; }
  event::EventLoop& loop() { return loop_; }
  stats::ClusterStats& stats() { return *stats_; }
  stats::Registry& registry() { return registry_; }
  // Of the filters of config().upstream_filters: null until the router first needs them.
  std::unique_ptr<ClusterPart>& filter_part() { return filter_part_; }

  // Pools of all kinds of all its hosts; for tests.
  size_t pool_count() const { return pools_.size() + varied_.size(); }

  // For its pools and connections.
  bool TryAcquirePending(RoutingPriority priority) {
    return counts(priority).pending_requests.TryAcquire(thresholds(priority).max_pending_requests);
  }
  void ReleasePending(RoutingPriority priority) { counts(priority).pending_requests.Release(); }
  // `first`: the worker has none to that host, so it is allowed whatever the limit.
  bool AcquireConnection(const Host& host, RoutingPriority priority, bool first);
  void ReleaseConnection(const Host& host, RoutingPriority priority);
  // Whether the overload manager allows no new one now; counted.
  bool ShedsConnection();
  // So many that counted for one host count for the other, which stands for it from now on.
  void MoveConnections(const Host& from, const Host& to, uint32_t count);
  // A connection leaves for another worker with its place in the limits, or has come from one.
  void Entrust(Loan& loan);
  void CountMoved(const Host& host, bool here);
  // Whether no further one to that host may be made now.
  bool AtConnectionLimit(const Host& host) const;
  // Null: the cluster's workers do not lend each other connections.
  Lender* lender() const { return lender_.get(); }
  // The usual one of the host with that id, or null.
  HostPool* FindPool(uint64_t host_id) {
    const auto found = pools_.find(host_id);
    return found == pools_.end() ? nullptr : found->second.get();
  }
  void NoteUse() { published_.breakers->NoteUse(); }
  // Of transport socket `index`; null while a secret is missing, which is counted.
  base::Held<tls::ClientContext> tls_context(size_t index);
  // Opened when first asked for.
  stats::Http2Stats& http2_stats();
  stats::TlsStats& tls_stats();
  // A TLS handshake with one of its hosts is done.
  void CountHandshake(const tls::SessionInfo& session);
  uint64_t write_limit() const { return published_.config->connection_buffer_bytes; }
  const http1::ResponseDecoderOptions& decoder_options() const { return decoder_options_; }
  net::TcpKeepalive keepalive() const;
  // Begins a connection to a host.
  absl::StatusOr<net::UniqueFd> Connect(const net::Address& address);
  // The ClusterMap's; null, or empty: there are no internal listeners.
  void SetInternalConnect(absl::AnyInvocable<net::UniqueFd(const net::Address&)>* connect) {
    internal_connect_ = connect;
  }
  // Those of the worker, which outlive it: an aggregate cluster sends its requests to some of them.
  void SetClusters(ClusterMap* clusters) { clusters_ = clusters; }
  ClusterMap* clusters() const { return clusters_; }
  // Who says where requests go in the place of balancing; null in most clusters.
  HostSource* source() { return source_.get(); }
  void OnDrained(HostPool& pool);

 private:
  const ResourceCounts& counts(RoutingPriority priority) const {
    return published_.breakers->of(priority);
  }
  const Thresholds& thresholds(RoutingPriority priority) const {
    return (*published_.config->thresholds)[static_cast<size_t>(priority)];
  }
  bool TakeConnection(const Host& host, RoutingPriority priority, bool first);
  // How many retries there may be now.
  uint32_t MaxRetries(RoutingPriority priority) const;
  // Null: none can be used. Sets the exchange's priority.
  HostPool* PickPool(const PickRequest& request, Exchange& exchange);
  void Report(const Host& host, HostReport report);
  OrcaSink* FindOrca(const Host& host);
  // A status as outlier detection sees it.
  void JudgeStatus(const Host& host, uint16_t status);
  void AcquireAt(HostPool& usual, Exchange& exchange);
  HostPool& PoolOf(HostIndex index);
  HostPool& PoolOfHost(const std::shared_ptr<const Host>& host);
  // The pool beside `leader` for what `needs` asks for.
  HostPool& PoolFor(HostPool& leader, const ConnectionNeeds& needs);

  event::EventLoop& loop_;
  stats::Registry& registry_;
  PublishedCluster published_;
  const bool connections_vary_;
  absl::AnyInvocable<net::UniqueFd(const net::Address&)>* internal_connect_ = nullptr;
  ClusterMap* clusters_ = nullptr;
  http1::ResponseDecoderOptions decoder_options_;
  stats::Group<stats::ClusterStats> stats_;
  std::optional<stats::Group<stats::Http2Stats>> http2_stats_;
  std::optional<stats::Group<stats::TlsStats>> tls_stats_;
  stats::Group<stats::ClientTlsFactoryStats> tls_factory_stats_;  // Once a secret was missed.
  std::optional<tls::AgreementStats> tls_agreements_;
  stats::Group<stats::ClusterDropStats> drop_stats_;  // Once a request was dropped.
  std::vector<base::Rc<TlsCell>> tls_cells_;          // Of config().tls.
  std::unique_ptr<TrackedStats> tracked_;             // Outlives the pools, which count into it.
  std::unique_ptr<OrcaSink> orca_;                    // Null: reports of hosts are not read.
  std::unique_ptr<LoadBalancer> balancer_;
  std::unique_ptr<SubsetHosts> subsets_;        // Null: all hosts are balanced over together.
  std::unique_ptr<HostSource> source_;          // Null: the balancer alone says where requests go.
  std::unique_ptr<HostsByAddress> by_address_;  // Once a request asked for hosts by address.
  std::unique_ptr<Lender> lender_;              // Outlives the pools, which ask it.
  absl::flat_hash_map<uint64_t, std::unique_ptr<HostPool>> pools_;  // By Host::id().
  // Those that are not the usual ones, by Host::id() and ConnectionKind::Key(). They die before
  // their leaders.
  absl::flat_hash_map<std::pair<uint64_t, std::string>, std::unique_ptr<HostPool>> varied_;
  std::vector<HostPool*> by_index_;                  // Of the current hosts; null until first used.
  std::vector<std::unique_ptr<HostPool>> draining_;  // Of hosts that left.
  std::unique_ptr<ClusterPart> filter_part_;
};

}  // namespace proxenos::upstream
