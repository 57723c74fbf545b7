// Picking, and what becomes of sessions when hosts change.
#include "source/filters/udp/udp_proxy/udp_cluster.h"

#include <utility>

#include "source/upstream/host_source.h"

namespace proxenos::filters::udp_proxy {
namespace {

bool IsUnhealthy(const upstream::HostEntry& entry) { return !entry.healthy() && !entry.degraded(); }

}  // namespace

UdpCluster::UdpCluster(base::Rc<upstream::WorkerCluster> cluster, stats::Registry& registry)
    : cluster_(std::move(cluster)),
      stats_(registry.Open<stats::UdpClusterStats>(
          stats::ScopeName(stats::kUdpClusterScope, {cluster_->config().stat_name()}))),
      hosts_(&cluster_->hosts()) {
  const upstream::LiveInputs live{cluster_->loop()};
  const auto active = [this](upstream::HostIndex index) { return SessionsOf(index); };
  balancer_ = upstream::MakeWorkerBalancer(cluster_->config(), registry, live, active);
  balancer_->Update(*hosts_, cluster_->loop().random());
  if (cluster_->config().subsets == nullptr) return;
  subsets_ = std::make_unique<upstream::SubsetHosts>(cluster_->config(), registry, *balancer_, live,
                                                     active);
  subsets_->Update(*hosts_);
}

void UdpCluster::NoteBegin(UdpHost& host) {
  ++host.session_count;
  ++session_count_;
}

void UdpCluster::NoteEnd(UdpHost& host) {
  --host.session_count;
  --session_count_;
}

uint32_t UdpCluster::SessionsOf(upstream::HostIndex index) const {
  if (index == upstream::kNoHost) return session_count_;
  const auto found = known_.find(hosts_->host(index).id());
  return found == known_.end() ? 0 : found->second->session_count;
}

UdpHost& UdpCluster::Known(upstream::HostIndex index) {
  const upstream::HostEntry& entry = hosts_->entry(index);
  std::unique_ptr<UdpHost>& known = known_[entry.host->id()];
  if (known == nullptr) {
    known = std::make_unique<UdpHost>(*this, entry.host);
    known->unhealthy = IsUnhealthy(entry);
  }
  return *known;
}

UdpHost* UdpCluster::Pick(const upstream::PickRequest& request) {
  // Hosts that are made for a name or a connection's destination: datagrams have neither.
  if (cluster_->source() != nullptr) return nullptr;
  base::Random& random = cluster_->loop().random();
  const upstream::Choice choice =
      subsets_ == nullptr ? balancer_->Pick(request, random) : subsets_->Choose(request, random);
  if (!choice) return nullptr;
  if (choice.panic) cluster_->stats().lb_healthy_panic.Inc();
  return &Known(choice.host);
}

void UdpCluster::Refresh(EndSession end) {
  // The worker holds the last set until the next is in force, so no other can have its place.
  if (hosts_ == &cluster_->hosts()) return;
  hosts_ = &cluster_->hosts();
  balancer_->Update(*hosts_, cluster_->loop().random());
  if (subsets_ != nullptr) subsets_->Update(*hosts_);
  if (known_.empty()) return;
  for (auto& [id, known] : known_) known->present = false;
  for (const upstream::HostEntry& entry : hosts_->entries()) {
    const auto found = known_.find(entry.host->id());
    if (found == known_.end()) continue;
    found->second->host = entry.host;
    found->second->present = true;
    found->second->unhealthy = IsUnhealthy(entry);
  }
  for (auto it = known_.begin(); it != known_.end();) {
    const auto each = it++;
    if (each->second->present) continue;
    while (UdpSession* session = each->second->sessions.front()) end(*session);
    known_.erase(each);
  }
}

void UdpCluster::EndAll(EndSession end) {
  for (auto& [id, known] : known_) {
    while (UdpSession* session = known->sessions.front()) end(*session);
  }
}

}  // namespace proxenos::filters::udp_proxy
