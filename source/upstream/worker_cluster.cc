// Balancing over pools, and the change of hosts.
#include "source/upstream/worker_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace proxenos::upstream {

WorkerCluster::WorkerCluster(event::EventLoop& loop, stats::Registry& registry,
                             PublishedCluster published)
    : loop_(loop),
      published_(std::move(published)),
      stats_(
          registry.Open<stats::ClusterStats>(stats::ClusterScope(published_.config->stat_name()))) {
  decoder_options_.max_headers = published_.config->max_response_headers;
  decoder_options_.max_head_bytes = published_.config->max_response_head_bytes;
  decoder_options_.enable_trailers = published_.config->response_trailers;
  balancer_ = MakeLoadBalancer(*published_.config, [this](HostIndex index) -> uint32_t {
    return by_index_[index] == nullptr ? 0 : by_index_[index]->active();
  });
  for (const auto& context : published_.tls) {
    tls_cells_.push_back(base::Rc<TlsCell>(std::make_unique<TlsCell>()));
    if (context != nullptr) tls_cells_.back()->current = base::Hold(context);
  }
  by_index_.resize(published_.hosts->size());
  balancer_->Update(*published_.hosts, loop_.random());
}

WorkerCluster::~WorkerCluster() = default;

void WorkerCluster::SetTls(size_t index, std::shared_ptr<const tls::ClientContext> context) {
  tls_cells_[index]->current = base::Hold(std::move(context));
}

void WorkerCluster::Acquire(Exchange& exchange) {
  const Choice choice = balancer_->Pick(loop_.random());
  if (!choice) {
    stats_->upstream_cx_none_healthy.Inc();
    exchange.state = Exchange::State::kFailed;
    exchange.failure = PoolFailure::kNoHealthyHost;
    return;
  }
  if (choice.panic) stats_->lb_healthy_panic.Inc();
  PoolOf(choice.host).Acquire(exchange);
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
  for (HostPool* pool : leaving) pool->Drain();
}

// The hosts stay: a request under way may still be retried, on connections that close behind it.
void WorkerCluster::Drain() {
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

void WorkerCluster::OnDrained(HostPool& pool) {
  const auto it = std::find_if(draining_.begin(), draining_.end(),
                               [&pool](const auto& each) { return each.get() == &pool; });
  if (it == draining_.end()) return;
  loop_.Retire(std::move(*it));
  draining_.erase(it);
}

}  // namespace proxenos::upstream
