// A cluster's configuration as its checks use it.
#include "source/health/check_cluster.h"

#include <utility>

namespace proxenos::health {
namespace {

using upstream::ClusterConfig;
using upstream::HealthCheck;
using upstream::HttpProtocol;

HttpProtocol ProtocolOf(const HealthCheck& check) {
  switch (check.kind) {
    case HealthCheck::Kind::kGrpc:
      return HttpProtocol::kHttp2;
    case HealthCheck::Kind::kHttp:
      return check.http.http2 ? HttpProtocol::kHttp2 : HttpProtocol::kHttp1;
    case HealthCheck::Kind::kTcp:
    case HealthCheck::Kind::kRedis:
      break;
  }
  return HttpProtocol::kHttp1;
}

// What is not of the requests that the cluster serves.
ClusterConfig Apart(const ClusterConfig& of) {
  ClusterConfig config = of;
  // A check must not fail because requests are many, nor be refused what it is for.
  for (upstream::Thresholds& each : config.thresholds.Mutable()) {
    each.max_connections = each.max_pending_requests = each.max_requests = UINT32_MAX;
  }
  config.max_connection_duration = 0;
  config.idle_timeout = 0;
  config.auto_sni = config.auto_san_validation = false;
  config.lb_policy = upstream::LbPolicy::kRoundRobin;
  config.outliers = nullptr;
  config.orca = nullptr;
  config.slow_start = nullptr;
  config.loans = nullptr;  // Its connections count apart: none of them may change sides.
  return config;
}

std::shared_ptr<const ClusterConfig> ConfigOf(const ClusterConfig& of, CheckCluster::Use use) {
  ClusterConfig config = Apart(of);
  if (use == CheckCluster::Use::kCalls) {
    config.protocol = HttpProtocol::kHttp2;
    config.max_requests_per_connection = 0;
    return std::make_shared<const ClusterConfig>(std::move(config));
  }
  const HealthCheck& check = *of.health_check;
  config.protocol = ProtocolOf(check);
  config.max_requests_per_connection = check.reuse_connection ? 0 : 1;
  if (!check.alpn.empty()) config.alpn = check.alpn;
  // The check's own time is what counts.
  config.connect_timeout = check.timeout;
  return std::make_shared<const ClusterConfig>(std::move(config));
}

}  // namespace

CheckCluster::CheckCluster(event::EventLoop& loop, const ClusterConfig& config,
                           std::vector<std::shared_ptr<const tls::ClientContext>> tls, Use use)
    : loop_(loop),
      cluster_(std::make_unique<upstream::WorkerCluster>(
          loop, unseen_,
          upstream::PublishedCluster{
              ConfigOf(config, use), std::make_shared<const upstream::CircuitBreakers>(),
              std::make_shared<const upstream::HostSet>(), std::move(tls)})) {}

CheckCluster::~CheckCluster() = default;

}  // namespace proxenos::health
