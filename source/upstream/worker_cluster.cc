// Balancing over pools, and the change of hosts.
#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace proxenos::upstream {

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
  balancer_ = MakeLoadBalancer(*published_.config, [this](HostIndex index) -> uint32_t {
    return by_index_[index] == nullptr ? 0 : by_index_[index]->active();
  });
  for (size_t i = 0; i < published_.config->tls.size(); ++i) {
    tls_cells_.push_back(base::Rc<TlsCell>(std::make_unique<TlsCell>()));
    const auto& context =
        i < published_.tls.size() ? published_.tls[i] : published_.config->tls[i]->context;
    if (context != nullptr) tls_cells_.back()->current = base::Hold(context);
  }
  by_index_.resize(published_.hosts->size());
  balancer_->Update(*published_.hosts, loop_.random());
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

void WorkerCluster::CountHandshake(const tls::SessionInfo& session) {
  if (!tls_agreements_) {
    tls_agreements_.emplace(registry_, stats::ClusterTlsAgreementScope, config().stat_name());
  }
  tls_agreements_->Count(session);
}

void WorkerCluster::SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
  tls_cells_[index]->current = base::Hold(std::move(context));
}

void WorkerCluster::Acquire(Exchange& exchange) {
  const bool raw = exchange.needs != nullptr && exchange.needs->raw;
  if (raw && counts().connections.Full(thresholds().max_connections)) {
    stats_->upstream_cx_overflow.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kOverflow;
    return;
  }
  const Choice choice = balancer_->Pick(loop_.random());
  if (!choice) {
    stats_->upstream_cx_none_healthy.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kNoHealthyHost;
    return;
  }
  if (choice.panic) stats_->lb_healthy_panic.Inc();
  HostPool& usual = PoolOf(choice.host);
  if (raw || (connections_vary_ && exchange.needs != nullptr)) {
    HostPool& pool = PoolFor(usual, *exchange.needs);
    pool.Acquire(exchange);
    if (pool.empty()) OnDrained(pool);  // Nothing came of it, and it may be of use to nobody else.
    return;
  }
  usual.Acquire(exchange);
}

HostPool& WorkerCluster::PoolFor(HostPool& leader, const ConnectionNeeds& needs) {
  ConnectionKind kind(config(), needs);
  auto& slot = varied_[std::make_pair(leader.host().id(), kind.Key())];
  if (slot == nullptr) slot = std::make_unique<HostPool>(leader, std::move(kind));
  slot->ReplaceHost(leader.shared_host());
  return *slot;
}

HostPool& WorkerCluster::PoolOf(HostIndex index) {
  HostPool*& cached = by_index_[index];
  if (cached == nullptr) {
    const auto& host = published_.hosts->shared_host(index);
    auto& slot = pools_[host->id()];
    if (slot == nullptr) slot = std::make_unique<HostPool>(*this, host);
    slot->ReplaceHost(host);
    cached = slot.get();
  }
  return *cached;
}

void WorkerCluster::SetHosts(std::shared_ptr<const HostSet> hosts) {
  published_.hosts = std::move(hosts);
  by_index_.assign(published_.hosts->size(), nullptr);
  balancer_->Update(*published_.hosts, loop_.random());
  if (pools_.empty()) return;
  absl::flat_hash_set<uint64_t> present;
  present.reserve(published_.hosts->size());
  for (HostIndex index = 0; index < published_.hosts->size(); ++index) {
    const uint64_t id = published_.hosts->host(index).id();
    present.insert(id);
    // Pools that stay count for the balancer from the first pick on.
    const auto known = pools_.find(id);
    if (known == pools_.end()) continue;
    known->second->ReplaceHost(published_.hosts->shared_host(index));
    by_index_[index] = known->second.get();
  }
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

bool WorkerCluster::AcquireConnection(bool first) {
  if (counts().connections.TryAcquire(thresholds().max_connections)) return true;
  if (first) counts().connections.Acquire();
  return first;
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
  net::ConnectOptions options;
  if (config().keepalive.enabled) options.keepalive = keepalive();
  if (config().source_address.family() != net::Address::Family::kNone) {
    options.source = config().source_address;
  }
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
