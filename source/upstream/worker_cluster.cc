// Balancing over pools, and the change of hosts.
#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "source/base/overload.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_source.h"
#include "source/upstream/hosts_by_address.h"
#include "source/upstream/lending.h"
#include "source/upstream/orca_sink.h"
#include "source/upstream/original_hosts.h"
#include "source/upstream/override_host.h"
#include "source/upstream/subset_hosts.h"

namespace proxenos::upstream {
namespace {

// Of all clusters of the thread, which is one worker's.
thread_local uint64_t host_changes = 0;

}  // namespace

uint64_t HostChanges() { return host_changes; }

WorkerCluster::WorkerCluster(event::EventLoop& loop, stats::Registry& registry,
                             PublishedCluster published)
    : loop_(loop),
      registry_(registry),
      published_(std::move(published)),
      connections_vary_(published_.config->ConnectionsVary()),
      stats_(
          registry.Open<stats::ClusterStats>(stats::ClusterScope(published_.config->stat_name()))) {
  decoder_options_.max_headers = published_.config->max_response_headers;
  decoder_options_.max_head_bytes = published_.config->max_response_head_bytes;
  decoder_options_.enable_trailers = published_.config->response_trailers;
  decoder_options_.allow_chunked_length = published_.config->allow_chunked_length;
  const auto active = [this](HostIndex index) -> uint32_t {
    if (index == kNoHost) {
      return static_cast<uint32_t>(stats_->upstream_rq_active.value() +
                                   stats_->upstream_rq_pending_active.value());
    }
    return by_index_[index] == nullptr ? 0 : by_index_[index]->active();
  };
  orca_ = MakeOrcaSink(config(), published_.load.get());
  const LiveInputs live{loop_, orca_.get()};
  balancer_ = MakeWorkerBalancer(config(), registry, live, active);
  if (config().track_endpoints || config().track_sizes || config().track_budgets ||
      published_.load != nullptr) {
    tracked_ = std::make_unique<TrackedStats>(registry, config(), published_.load);
  }
  for (size_t i = 0; i < published_.config->tls.size(); ++i) {
    tls_cells_.push_back(base::Rc<TlsCell>(std::make_unique<TlsCell>()));
    const auto& context =
        i < published_.tls.size() ? published_.tls[i] : published_.config->tls[i]->context;
    if (context != nullptr) tls_cells_.back()->current = base::Hold(context);
  }
  if (config().original_dst != nullptr) {
    source_ = std::make_unique<OriginalHosts>(loop_, *config().original_dst,
                                              [this](uint64_t id) { ForgetHost(id); });
  }
  if (published_.dns_cache != nullptr) {
    source_ = published_.dns_cache->MakeSource(
        {loop_, registry, config(), published_.dns_cache, [this](uint64_t id) { ForgetHost(id); }});
  }
  if (config().aggregated != nullptr) source_ = MakeAggregateHosts(*this, loop_.random());
  if (config().subsets != nullptr) {
    subsets_ = std::make_unique<SubsetHosts>(config(), registry, *balancer_, live, active);
  }
  if (config().loans != nullptr) lender_ = std::make_unique<Lender>(*this, config().loans);
  ++host_changes;
  by_index_.resize(published_.hosts->size());
  balancer_->Update(*published_.hosts, loop_.random());
  if (subsets_ != nullptr) subsets_->Update(hosts());
}

WorkerCluster::~WorkerCluster() = default;

stats::Http2Stats& WorkerCluster::http2_stats() {
  if (!http2_stats_) {
    http2_stats_ =
        registry_.Open<stats::Http2Stats>(stats::ClusterHttp2Scope(config().stat_name()));
  }
  return **http2_stats_;
}

stats::TlsStats& WorkerCluster::tls_stats() {
  if (!tls_stats_) {
    tls_stats_ = registry_.Open<stats::TlsStats>(stats::ClusterTlsScope(config().stat_name()));
  }
  return **tls_stats_;
}

base::Held<tls::ClientContext> WorkerCluster::tls_context(size_t index) {
  const base::Held<tls::ClientContext>& current = tls_cells_[index]->current;
  if (!current) {
    if (!tls_factory_stats_) {
      tls_factory_stats_ = registry_.Open<stats::ClientTlsFactoryStats>(
          stats::ScopeName(stats::kClientTlsFactoryScope, {config().stat_name()}));
    }
    tls_factory_stats_->upstream_context_secrets_not_ready.Inc();
  }
  return current;
}

void WorkerCluster::CountHandshake(const tls::SessionInfo& session) {
  if (!tls_agreements_) {
    tls_agreements_.emplace(registry_, stats::ClusterTlsAgreementScope, config().stat_name());
  }
  tls_agreements_->Count(session);
}

void WorkerCluster::SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
  tls_cells_[index]->current = base::Hold(std::move(context));
}

namespace {

void FailWithoutHost(Exchange& exchange) {
  exchange.state = Exchange::State::kFailed;
  exchange.failure = PoolFailure::kNoHealthyHost;
}

// As one of the clusters that an aggregate stands for.
void AcquireElsewhere(HostSource& source, Exchange& exchange) {
  const PickRequest* const asked = exchange.pick;
  PickRequest request = asked == nullptr ? PickRequest() : *asked;
  uint8_t priority = 0;
  WorkerCluster* other = source.Delegate(request, &priority);
  if (other == nullptr) return FailWithoutHost(exchange);
  exchange.pick = &request;
  other->Acquire(exchange);
  exchange.pick = asked;
  exchange.priority = priority;
  if (exchange.host != nullptr) source.Note(*exchange.host);
}

}  // namespace

void WorkerCluster::Acquire(Exchange& exchange) {
  const ConnectionNeeds* const needs = exchange.needs;
  if (needs != nullptr && needs->raw &&
      counts(needs->priority).connections.Full(thresholds(needs->priority).max_connections)) {
    stats_->upstream_cx_overflow.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kOverflow;
    return;
  }
  if (exchange.wanted_host != nullptr)
    return AcquireAt(PoolOfHost(*exchange.wanted_host), exchange);
  if (source_ != nullptr && source_->delegates()) return AcquireElsewhere(*source_, exchange);
  HostPool* pool = PickPool(exchange.pick == nullptr ? PickRequest() : *exchange.pick, exchange);
  if (pool == nullptr) {
    stats_->upstream_cx_none_healthy.Inc();
    return FailWithoutHost(exchange);
  }
  AcquireAt(*pool, exchange);
}

HostPool* WorkerCluster::PickPool(const PickRequest& request, Exchange& exchange) {
  if (source_ != nullptr) {
    const std::shared_ptr<const Host>* host = source_->Find(request);
    return host == nullptr ? nullptr : &PoolOfHost(*host);
  }
  if (!request.override_hosts.empty()) {
    if (by_address_ == nullptr) by_address_ = std::make_unique<HostsByAddress>(hosts());
    const HostIndex wanted =
        FirstUsable(hosts(), *by_address_, config().override_states, request.override_hosts);
    if (wanted != kNoHost) {
      exchange.priority = hosts().entry(wanted).priority;
      return &PoolOf(wanted);
    }
    if (request.override_strict) return nullptr;
  }
  const Choice choice = subsets_ == nullptr ? balancer_->Pick(request, loop_.random())
                                            : subsets_->Choose(request, loop_.random());
  if (!choice) return nullptr;
  if (choice.panic) stats_->lb_healthy_panic.Inc();
  exchange.priority = published_.hosts->entry(choice.host).priority;
  return &PoolOf(choice.host);
}

void WorkerCluster::AcquireAt(HostPool& usual, Exchange& exchange) {
  const ConnectionNeeds* const needs = exchange.needs;
  const bool varies = needs != nullptr && (connections_vary_ || needs->raw ||
                                           needs->priority != RoutingPriority::kDefault);
  if (!varies) return usual.Acquire(exchange);
  PoolFor(usual, *exchange.needs).Acquire(exchange);
}

HostPool& WorkerCluster::PoolFor(HostPool& leader, const ConnectionNeeds& needs) {
  ConnectionKind kind(config(), needs);
  auto key = std::make_pair(leader.host().id(), kind.Key());
  // The first connection of a kind is made whatever the limit, and kinds are as many as requests
  // make up: one that nobody uses gives way.
  const Host& host = leader.host();
  const bool full =
      counts(kind.priority).connections.Full(thresholds(kind.priority).max_connections);
  const bool host_full = config().max_connections_per_host != UINT32_MAX &&
                         host.connections() >= config().max_connections_per_host;
  if ((full || host_full) && !varied_.contains(key)) {
    const auto idle = std::find_if(varied_.begin(), varied_.end(), [&](const auto& each) {
      const HostPool& pool = *each.second;
      return pool.active() == 0 && pool.kind().priority == kind.priority &&
             (!host_full || each.first.first == host.id());
    });
    if (idle != varied_.end()) {
      draining_.push_back(std::move(idle->second));
      varied_.erase(idle);
      HostPool& leaving = *draining_.back();
      leaving.Drain();
    }
  }
  auto& slot = varied_[std::move(key)];
  if (slot == nullptr) slot = std::make_unique<HostPool>(leader, std::move(kind));
  slot->ReplaceHost(leader.shared_host());
  return *slot;
}

HostPool& WorkerCluster::PoolOf(HostIndex index) {
  HostPool*& cached = by_index_[index];
  if (cached == nullptr) cached = &PoolOfHost(published_.hosts->shared_host(index));
  return *cached;
}

HostPool& WorkerCluster::PoolOfHost(const std::shared_ptr<const Host>& host) {
  auto& slot = pools_[host->id()];
  if (slot == nullptr) slot = std::make_unique<HostPool>(*this, host);
  slot->ReplaceHost(host);
  return *slot;
}

void WorkerCluster::ForgetHost(uint64_t id) {
  // Those that depend on the other first.
  std::vector<HostPool*> varied_leaving;
  for (auto it = varied_.begin(); it != varied_.end();) {
    const auto each = it++;
    if (each->first.first != id) continue;
    varied_leaving.push_back(each->second.get());
    draining_.push_back(std::move(each->second));
    varied_.erase(each);
  }
  for (HostPool* pool : varied_leaving) pool->Drain();
  const auto found = pools_.find(id);
  if (found == pools_.end()) return;
  draining_.push_back(std::move(found->second));
  pools_.erase(found);
  HostPool& pool = *draining_.back();
  pool.Drain();
}

namespace {

bool SameMembers(const HostSet& a, const HostSet& b) {
  if (a.size() != b.size()) return false;
  absl::flat_hash_set<uint64_t> ids;
  ids.reserve(a.size());
  for (const HostEntry& entry : a.entries()) ids.insert(entry.host->id());
  return std::all_of(b.entries().begin(), b.entries().end(),
                     [&ids](const HostEntry& entry) { return ids.contains(entry.host->id()); });
}

}  // namespace

void WorkerCluster::SetHosts(std::shared_ptr<const HostSet> hosts) {
  ++host_changes;
  const bool close_all =
      config().close_connections_on_host_set_change && !SameMembers(*published_.hosts, *hosts);
  published_.hosts = std::move(hosts);
  by_index_.assign(published_.hosts->size(), nullptr);
  by_address_.reset();
  if (orca_ != nullptr) orca_->Keep(*published_.hosts);
  balancer_->Update(*published_.hosts, loop_.random());
  if (subsets_ != nullptr) subsets_->Update(*published_.hosts);
  if (pools_.empty() || source_ != nullptr) return;
  absl::flat_hash_set<uint64_t> present;
  present.reserve(published_.hosts->size());
  for (HostIndex index = 0; index < published_.hosts->size(); ++index) {
    const Host& host = published_.hosts->host(index);
    const uint64_t id = host.id();
    // Its connections end like those of a host that left; a request that goes there all the same
    // makes new ones.
    if (close_all || (config().close_connections_on_host_health_failure &&
                      (host.health_bits() & kFailedActiveCheck) != 0)) {
      continue;
    }
    present.insert(id);
    // Pools that stay count for the balancer from the first pick on.
    const auto known = pools_.find(id);
    if (known == pools_.end()) continue;
    known->second->ReplaceHost(published_.hosts->shared_host(index));
    by_index_[index] = known->second.get();
  }
  if (tracked_ != nullptr && !close_all) tracked_->Keep(present);
  std::vector<HostPool*> leaving;
  for (auto it = pools_.begin(); it != pools_.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    leaving.push_back(it->second.get());
    draining_.push_back(std::move(it->second));
    pools_.erase(it++);
  }
  // Those that depend on others first.
  std::vector<HostPool*> varied_leaving;
  for (auto it = varied_.begin(); it != varied_.end();) {
    if (present.contains(it->first.first)) {
      ++it;
      continue;
    }
    varied_leaving.push_back(it->second.get());
    draining_.push_back(std::move(it->second));
    varied_.erase(it++);
  }
  for (HostPool* pool : varied_leaving) pool->Drain();
  for (HostPool* pool : leaving) pool->Drain();
}

// The hosts stay: a request under way may still be retried, on connections that close behind it.
void WorkerCluster::Drain() {
  std::vector<HostPool*> varied;  // They may leave the map meanwhile.
  for (auto& [key, pool] : varied_) varied.push_back(pool.get());
  for (HostPool* pool : varied) pool->Drain();
  for (auto& [id, pool] : pools_) pool->Drain();
}

uint32_t WorkerCluster::MaxRetries(RoutingPriority priority) const {
  const std::optional<RetryBudget>& budget = thresholds(priority).retry_budget;
  if (!budget.has_value()) return thresholds(priority).max_retries;
  // Those that wait for a connection are among them.
  const double under_way = counts(priority).requests.count();
  return std::max(budget->min_concurrency,
                  static_cast<uint32_t>(under_way * budget->percent / 100));
}

bool WorkerCluster::AcquireConnection(const Host& host, RoutingPriority priority, bool first) {
  if (!TakeConnection(host, priority, first)) return false;
  if (tracked_ != nullptr) tracked_->CountConnection(host);
  return true;
}

bool WorkerCluster::ShedsConnection() {
  const base::Overload* overload = clusters_ == nullptr ? nullptr : clusters_->overload();
  return overload != nullptr && overload->connect.Sheds(loop_.random());
}

bool WorkerCluster::TakeConnection(const Host& host, RoutingPriority priority, bool first) {
  const uint32_t most = config().max_connections_per_host;
  if (most != UINT32_MAX) {
    // Counted first, looked at afterwards: two workers at once may both be refused, never both let.
    const uint32_t before = host.connections().fetch_add(1, std::memory_order_relaxed);
    if (before >= most && !first) {
      host.connections().fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
  }
  if (counts(priority).connections.TryAcquire(thresholds(priority).max_connections)) return true;
  if (first) {
    counts(priority).connections.Acquire();
  } else if (most != UINT32_MAX) {
    host.connections().fetch_sub(1, std::memory_order_relaxed);
  }
  return first;
}

void WorkerCluster::ReleaseConnection(const Host& host, RoutingPriority priority) {
  if (tracked_ != nullptr) tracked_->CountConnectionEnd(host);
  counts(priority).connections.Release();
  if (config().max_connections_per_host != UINT32_MAX) {
    host.connections().fetch_sub(1, std::memory_order_relaxed);
  }
}

void WorkerCluster::Entrust(Loan& loan) {
  loan.breakers = published_.breakers;
  loan.counts_for_host = config().max_connections_per_host != UINT32_MAX;
}

bool WorkerCluster::AtConnectionLimit(const Host& host) const {
  constexpr RoutingPriority kPriority = RoutingPriority::kDefault;
  if (counts(kPriority).connections.Full(thresholds(kPriority).max_connections)) return true;
  const uint32_t most = config().max_connections_per_host;
  return most != UINT32_MAX && host.connections().load(std::memory_order_relaxed) >= most;
}

void WorkerCluster::CountMoved(const Host& host, bool here) {
  if (here) {
    stats_->upstream_cx_active.Inc();
    if (tracked_ != nullptr) tracked_->CountBorrowed(host);
  } else {
    stats_->upstream_cx_active.Dec();
    if (tracked_ != nullptr) tracked_->CountConnectionEnd(host);
  }
}

void WorkerCluster::MoveConnections(const Host& from, const Host& to, uint32_t count) {
  if (config().max_connections_per_host == UINT32_MAX) return;
  from.connections().fetch_sub(count, std::memory_order_relaxed);
  to.connections().fetch_add(count, std::memory_order_relaxed);
}

net::TcpKeepalive WorkerCluster::keepalive() const {
  const TcpKeepalive& from = published_.config->keepalive;
  net::TcpKeepalive result;
  if (from.probes != 0) result.probes = from.probes;
  if (from.time_s != 0) result.time_s = from.time_s;
  if (from.interval_s != 0) result.interval_s = from.interval_s;
  return result;
}

absl::StatusOr<net::UniqueFd> WorkerCluster::Connect(const net::Address& address) {
  if (address.family() == net::Address::Family::kInternal) {
    net::UniqueFd fd;
    if (internal_connect_ != nullptr && *internal_connect_) fd = (*internal_connect_)(address);
    if (!fd.valid()) return absl::UnavailableError("no internal listener of that name");
    return fd;
  }
  net::ConnectOptions options = config().connecting->OptionsFor(address);
  if (config().keepalive.enabled) options.keepalive = keepalive();
  return net::StartConnect(address, options);
}

void WorkerCluster::OnDrained(HostPool& pool) {
  const auto it = std::find_if(draining_.begin(), draining_.end(),
                               [&pool](const auto& each) { return each.get() == &pool; });
  if (it != draining_.end()) {
    loop_.Retire(std::move(*it));
    draining_.erase(it);
    return;
  }
  if (pool.leads()) return;
  const auto varied = varied_.find(std::make_pair(pool.host().id(), pool.kind().Key()));
  if (varied == varied_.end() || varied->second.get() != &pool) return;
  loop_.Retire(std::move(varied->second));
  varied_.erase(varied);
}

}  // namespace proxenos::upstream
