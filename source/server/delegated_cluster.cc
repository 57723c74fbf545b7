// A cluster of our own for each check, checked by the same means as any other.
#include "source/server/delegated_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "source/server/bootstrap.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_set_update.h"

namespace proxenos::server {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::HealthCheck;
using envoy::config::core::v3::HealthStatus;
using envoy::service::health::v3::ClusterHealthCheck;
using envoy::service::health::v3::EndpointHealthResponse;
using google::protobuf::Duration;

base::Nanos NanosOf(const Duration& duration) {
  constexpr int64_t kAnHour = 3600;  // Longer than any limit here.
  return std::min(duration.seconds(), kAnHour) * base::kSecond + duration.nanos();
}

// What is negative stays so, to be refused.
void Lengthen(base::Nanos least, Duration& duration) {
  if (duration.seconds() < 0 || duration.nanos() < 0 || NanosOf(duration) >= least) return;
  duration.set_seconds(least / base::kSecond);
  duration.set_nanos(static_cast<int32_t>(least % base::kSecond));
}

// A service must not be able to have us knock without a pause.
void LimitRate(base::Nanos least, HealthCheck& check) {
  if (check.has_interval()) Lengthen(least, *check.mutable_interval());
  if (check.has_no_traffic_interval()) Lengthen(least, *check.mutable_no_traffic_interval());
  if (check.has_no_traffic_healthy_interval()) {
    Lengthen(least, *check.mutable_no_traffic_healthy_interval());
  }
  if (check.has_unhealthy_interval()) Lengthen(least, *check.mutable_unhealthy_interval());
  if (check.has_unhealthy_edge_interval()) {
    Lengthen(least, *check.mutable_unhealthy_edge_interval());
  }
  if (check.has_healthy_edge_interval()) Lengthen(least, *check.mutable_healthy_edge_interval());
}

// But for its endpoints and its check.
Cluster ClusterOf(const ClusterHealthCheck& proto) {
  Cluster cluster;
  cluster.set_name(proto.cluster_name());
  cluster.set_type(Cluster::STATIC);
  *cluster.mutable_transport_socket_matches() = proto.transport_socket_matches();
  if (proto.has_upstream_bind_config()) {
    *cluster.mutable_upstream_bind_config() = proto.upstream_bind_config();
  }
  return cluster;
}

void AddEndpoints(const ClusterHealthCheck& proto, Cluster& cluster) {
  auto& assignment = *cluster.mutable_load_assignment();
  assignment.set_cluster_name(proto.cluster_name());
  for (const auto& from : proto.locality_endpoints()) {
    auto& locality = *assignment.add_endpoints();
    *locality.mutable_locality() = from.locality();
    for (const auto& endpoint : from.endpoints()) {
      *locality.add_lb_endpoints()->mutable_endpoint() = endpoint;
    }
  }
}

bool IsChecked(const envoy::config::endpoint::v3::Endpoint& endpoint) {
  return !endpoint.health_check_config().disable_active_health_check();
}

size_t CountEndpoints(const ClusterHealthCheck& proto) {
  size_t count = 0;
  for (const auto& locality : proto.locality_endpoints()) {
    for (const auto& endpoint : locality.endpoints()) count += IsChecked(endpoint);
  }
  return count;
}

HealthStatus StatusOfBits(uint32_t bits) {
  if ((bits & upstream::kActiveCheckTimeout) != 0) return envoy::config::core::v3::TIMEOUT;
  if ((bits & upstream::kFailedActiveCheck) != 0) return envoy::config::core::v3::UNHEALTHY;
  if ((bits & upstream::kDegradedActiveCheck) != 0) return envoy::config::core::v3::DEGRADED;
  return envoy::config::core::v3::HEALTHY;
}

// Of two findings the worse counts.
int Severity(HealthStatus status) {
  switch (status) {
    case envoy::config::core::v3::UNHEALTHY:
      return 3;
    case envoy::config::core::v3::TIMEOUT:
      return 2;
    case envoy::config::core::v3::DEGRADED:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

size_t CountProbes(const ClusterHealthCheck& proto) {
  return CountEndpoints(proto) * static_cast<size_t>(proto.health_checks_size());
}

Delegation CompileDelegation(const ClusterHealthCheck& proto, base::Nanos least_interval,
                             const config::Path& path, config::Errors& errors,
                             config::IgnoredFields& ignored) {
  Delegation delegation;
  CheckMessage(proto, path, errors, ignored);
  if (proto.cluster_name().empty()) errors.Add(path.Field("cluster_name"), "must not be empty");
  if (!errors.ok()) return delegation;
  for (int i = 0; i < proto.health_checks_size(); ++i) {
    Cluster cluster = ClusterOf(proto);
    HealthCheck& check = *cluster.add_health_checks();
    check = proto.health_checks(i);
    LimitRate(least_interval, check);
    Delegation::Check compiled;
    compiled.identity = cluster.SerializeAsString();
    compiled.idle_times = check.has_no_traffic_interval();
    AddEndpoints(proto, cluster);
    compiled.config = upstream::CompileCluster(cluster, errors, path);
    if (compiled.config == nullptr) return delegation;
    for (const auto& tls : compiled.config->tls) {
      if (tls->context != nullptr) continue;
      errors.Add(path.Field("transport_socket_matches"),
                 "name secrets; write the certificates there");
    }
    delegation.checks.push_back(std::move(compiled));
  }
  delegation.proto = proto;
  delegation.endpoint_count = CountEndpoints(proto);
  return delegation;
}

void DelegatedCluster::SetHosts(const Delegation::Check& from, Check& check) {
  check.hosts = upstream::BuildHostSet(*from.config, *from.config->assignment, check.hosts).hosts;
  check.checker->SetHosts(*check.hosts);
  absl::flat_hash_map<net::Address, const upstream::Host*> by_address;
  for (const upstream::HostEntry& entry : check.hosts->entries()) {
    by_address.emplace(entry.host->address(), entry.host.get());
  }
  check.layout.clear();
  for (const upstream::LocalityEndpoints& locality : from.config->assignment->localities) {
    for (const upstream::Endpoint& endpoint : locality.endpoints) {
      const bool checked = endpoint.check == nullptr || !endpoint.check->disabled;
      check.layout.push_back(checked ? by_address[endpoint.address] : nullptr);
    }
  }
}

void DelegatedCluster::Update(Delegation delegation) {
  std::vector<Check> before = std::exchange(checks_, {});
  for (size_t i = 0; i < delegation.checks.size(); ++i) {
    const Delegation::Check& wanted = delegation.checks[i];
    Check check;
    if (i < before.size()) check = std::move(before[i]);
    if (check.identity != wanted.identity) {
      check.checker = nullptr;  // What it holds at the hosts is let go of before the next begins.
      check.identity = wanted.identity;
      auto breakers = std::make_shared<const upstream::CircuitBreakers>();
      // It never has traffic; that must not make the checks rare unless that is wanted.
      if (!wanted.idle_times) breakers->NoteUse();
      health::CheckerHooks hooks;
      hooks.changed = [] {};
      hooks.passed = [](const upstream::Host&) {};
      check.checker = std::make_unique<health::Checker>(
          surroundings_, wanted.config, std::vector<std::shared_ptr<const tls::ClientContext>>(),
          std::move(breakers), std::move(hooks));
      check.checker->TakeForce();
    }
    SetHosts(wanted, check);
    checks_.push_back(std::move(check));
  }
  proto_ = std::move(delegation.proto);
}

HealthStatus DelegatedCluster::StatusOf(size_t endpoint) const {
  HealthStatus worst = envoy::config::core::v3::HEALTHY;
  if (checks_.empty()) return envoy::config::core::v3::UNKNOWN;
  for (const Check& check : checks_) {
    const upstream::Host* host = check.layout[endpoint];
    if (host == nullptr) return envoy::config::core::v3::UNKNOWN;
    const HealthStatus status = StatusOfBits(host->health_bits());
    if (Severity(status) > Severity(worst)) worst = status;
  }
  return worst;
}

void DelegatedCluster::Fill(EndpointHealthResponse& response) const {
  auto& cluster = *response.add_cluster_endpoints_health();
  cluster.set_cluster_name(proto_.cluster_name());
  size_t next = 0;
  for (const auto& from : proto_.locality_endpoints()) {
    auto& locality = *cluster.add_locality_endpoints_health();
    *locality.mutable_locality() = from.locality();
    for (const auto& endpoint : from.endpoints()) {
      const size_t place = next++;
      if (!IsChecked(endpoint)) continue;
      auto& health = *locality.add_endpoints_health();
      *health.mutable_endpoint()->mutable_address() = endpoint.address();
      health.set_health_status(StatusOf(place));
      // The list that older services read.
      *response.add_endpoints_health() = health;
    }
  }
}

}  // namespace proxenos::server
