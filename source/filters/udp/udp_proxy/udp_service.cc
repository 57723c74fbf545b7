// Finding sessions, beginning and ending them.
#include "source/filters/udp/udp_proxy/udp_service.h"

#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/base/xxhash64.h"
#include "source/json/value.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_source.h"

namespace proxenos::filters::udp_proxy {
namespace {

// Aggregates within aggregates.
constexpr int kMaxDelegations = 8;

}  // namespace

std::unique_ptr<downstream::DatagramService> UdpProxy::MakeService(
    downstream::DatagramService::Parts parts) const {
  return std::make_unique<UdpService>(parts, config_);
}

UdpService::UdpService(Parts parts, const UdpProxyConfig& config)
    : receiver_(parts.receiver),
      environment_(parts.environment),
      registry_(parts.registry),
      config_(config),
      stats_(registry_.Open<stats::UdpStats>(
          stats::ScopeName(stats::kUdpScope, {config.stat_prefix}))),
      reader_(config.max_bytes),
      begin_(environment_.loop.now()) {}

UdpService::~UdpService() {
  CloseAll();
  if (!config_.proxy_logs.empty()) LogProxy();
}

void UdpService::OnDatagram(const Arrived& datagram) {
  UdpSession* session = config_.per_packet ? SessionForPacket(datagram) : SessionFor(datagram);
  if (session != nullptr) session->SendToHost(datagram.bytes);
}

UdpSession* UdpService::SessionFor(const Arrived& datagram) {
  const SessionKey key{datagram.peer, datagram.local};
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) {
    UdpCluster* cluster = Route(datagram);
    if (cluster == nullptr) return nullptr;
    UdpHost* host = Pick(*cluster, datagram);
    if (host != nullptr) return Begin(key, datagram.socket, *host);
    cluster->worker_cluster().stats().upstream_cx_none_healthy.Inc();
    return nullptr;
  }
  UdpSession& session = *found->second;
  if (!session.host().unhealthy) return &session;
  UdpHost* better = Pick(session.host().cluster, datagram);
  if (better == nullptr || better->unhealthy || better == &session.host()) return &session;
  End(session);
  return Begin(key, datagram.socket, *better);
}

UdpSession* UdpService::SessionForPacket(const Arrived& datagram) {
  UdpCluster* cluster = Route(datagram);
  if (cluster == nullptr) return nullptr;
  UdpHost* host = Pick(*cluster, datagram);
  if (host == nullptr) {
    cluster->worker_cluster().stats().upstream_cx_none_healthy.Inc();
    return nullptr;
  }
  const SessionKey key{datagram.peer, datagram.local, host->host->id()};
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? Begin(key, datagram.socket, *host) : found->second.get();
}

UdpCluster* UdpService::Route(const Arrived& datagram) {
  const std::string* name = config_.routes.Find(datagram.peer, datagram.local);
  UdpCluster* cluster = name == nullptr ? nullptr : ClusterNamed(*name);
  if (cluster == nullptr) stats_->downstream_sess_no_route.Inc();
  return cluster;
}

UdpCluster* UdpService::ClusterNamed(absl::string_view name) {
  const auto found = clusters_.find(name);
  if (found != clusters_.end()) return found->second.get();
  base::Rc<upstream::WorkerCluster> cluster = environment_.clusters.Find(name);
  if (!cluster) return nullptr;
  auto made = std::make_unique<UdpCluster>(std::move(cluster), registry_);
  return clusters_.emplace(std::string(name), std::move(made)).first->second.get();
}

UdpHost* UdpService::Pick(UdpCluster& cluster, const Arrived& datagram) {
  upstream::PickRequest request;
  request.hash = config_.hash;
  if (config_.hashes_source) request.hash = base::XxHash64(datagram.peer.IpString());
  UdpCluster* at = &cluster;
  for (int i = 0; i < kMaxDelegations; ++i) {
    upstream::HostSource* source = at->worker_cluster().source();
    if (source == nullptr || !source->delegates()) return at->Pick(request);
    uint8_t priority = 0;
    upstream::WorkerCluster* other = source->Delegate(request, &priority);
    at = other == nullptr ? nullptr : ClusterNamed(other->config().name);
    if (at == nullptr) return nullptr;
  }
  return nullptr;
}

UdpSession* UdpService::Begin(const SessionKey& key, uint32_t socket, UdpHost& host) {
  constexpr auto kPriority = upstream::RoutingPriority::kDefault;
  upstream::WorkerCluster& cluster = host.cluster.worker_cluster();
  const upstream::Host& picked = *host.host;
  cluster.NoteUse();
  if (sessions_.size() >= kMaxSessions ||
      !cluster.AcquireConnection(picked, kPriority, /*first=*/false)) {
    cluster.stats().upstream_cx_overflow.Inc();
    return nullptr;
  }
  const net::ConnectOptions options = cluster.config().connecting->OptionsFor(picked.address());
  const net::Address source = options.source.value_or(net::Address()).WithPort(0);
  absl::StatusOr<net::UniqueFd> fd =
      net::ConnectDatagramSocket(picked.address(), source.is_ip() ? &source : nullptr);
  if (!fd.ok()) {
    PX_LOG(kConnection, kDebug, "udp proxy ", config_.stat_prefix, ": ", fd.status().message());
    cluster.ReleaseConnection(picked, kPriority);
    host.cluster.stats().sess_tx_errors.Inc();
    return nullptr;
  }
  stats_->downstream_sess_total.Inc();
  stats_->downstream_sess_active.Inc();
  auto session = std::make_unique<UdpSession>(*this, key, socket, host, *std::move(fd));
  return sessions_.emplace(key, std::move(session)).first->second.get();
}

void UdpService::End(UdpSession& session) {
  const auto found = sessions_.find(session.key());
  DCHECK(found != sessions_.end());
  std::unique_ptr<UdpSession> ended = std::move(found->second);
  sessions_.erase(found);
  stats_->downstream_sess_active.Dec();
  session.host().cluster.worker_cluster().ReleaseConnection(session.picked(),
                                                            upstream::RoutingPriority::kDefault);
  session.Close();
  loop().Retire(std::move(ended));
}

void UdpService::OnIdle(UdpSession& session) {
  stats_->idle_timeout.Inc();
  End(session);
}

void UdpService::OnClustersChanged() {
  const auto end = [this](UdpSession& session) { End(session); };
  for (auto it = clusters_.begin(); it != clusters_.end();) {
    const auto each = it++;
    UdpCluster& cluster = *each->second;
    if (environment_.clusters.Find(each->first).get() == &cluster.worker_cluster()) {
      cluster.Refresh(end);
      continue;
    }
    cluster.EndAll(end);
    clusters_.erase(each);
  }
}

void UdpService::CloseIdle(base::Nanos quiet) {
  const base::MonoTime now = loop().now();
  std::vector<UdpSession*> ending;
  for (auto& [key, session] : sessions_) {
    if (now - session->last_active() >= quiet) ending.push_back(session.get());
  }
  for (UdpSession* session : ending) End(*session);
}

void UdpService::CloseAll() {
  while (!sessions_.empty()) End(*sessions_.begin()->second);
}

void UdpService::Log(const access_log::AccessLogs& logs, access_log::LogType type,
                     filter::StreamInfo& info) {
  info.complete = loop().ReadClock();
  info.start_wall = loop().wall_now() - (loop().now() - info.start) / base::kMicrosecond;
  access_log::FormatInput input;
  input.stream = &info;
  input.remote = environment_.remote_logs;
  input.runtime = environment_.runtime;
  input.type = type;
  for (const access_log::AccessLog& log : logs) log.Log(input);
}

void UdpService::LogProxy() {
  filter::ConnectionInfo connection;  // Of nobody.
  filter::StreamInfo info;
  info.connection = &connection;
  info.start = begin_;
  info.bytes_received = stats_->downstream_sess_rx_bytes.value();
  info.bytes_sent = stats_->downstream_sess_tx_bytes.value();
  const auto number = [](const stats::Counter& counter) {
    return json::Value(static_cast<int64_t>(counter.value()));
  };
  info.metadata.Merge("udp.proxy.proxy",
                      {{"bytes_sent", number(stats_->downstream_sess_tx_bytes)},
                       {"bytes_received", number(stats_->downstream_sess_rx_bytes)},
                       {"errors_sent", number(stats_->downstream_sess_tx_errors)},
                       {"errors_received", number(stats_->downstream_sess_rx_errors)},
                       {"datagrams_sent", number(stats_->downstream_sess_tx_datagrams)},
                       {"datagrams_received", number(stats_->downstream_sess_rx_datagrams)},
                       {"no_route", number(stats_->downstream_sess_no_route)},
                       {"session_total", number(stats_->downstream_sess_total)},
                       {"idle_timeout", number(stats_->idle_timeout)}});
  Log(config_.proxy_logs, access_log::LogType::kNotSet, info);
}

}  // namespace proxenos::filters::udp_proxy
