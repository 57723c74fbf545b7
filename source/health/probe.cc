// Which probe, and where it goes.
#include "source/health/probe.h"

#include <string>

#include "source/health/grpc_probe.h"
#include "source/health/http_probe.h"
#include "source/health/tcp_probe.h"

namespace proxenos::health {
namespace {

using upstream::CheckTarget;
using upstream::HealthCheck;
using upstream::Host;

// As in Envoy: what the endpoint says comes before what the check says, and that before the
// cluster's name.
std::string NameOf(const Host& host, const std::string& configured, const std::string& cluster) {
  if (host.check() != nullptr && !host.check()->hostname.empty()) return host.check()->hostname;
  return configured.empty() ? cluster : configured;
}

}  // namespace

std::shared_ptr<const Host> TargetOf(const HealthCheck& check,
                                     const std::shared_ptr<const Host>& host) {
  upstream::HostIdentity identity = host->identity();
  if (const CheckTarget* target = host->check()) {
    if (target->address.family() != net::Address::Family::kNone) identity.address = target->address;
    if (target->port != 0) identity.address = identity.address.WithPort(target->port);
  }
  // The endpoint's own port goes before the one of the check.
  const bool own_port = host->check() != nullptr && host->check()->port != 0;
  if (check.alt_port != 0 && !own_port) {
    identity.address = identity.address.WithPort(check.alt_port);
  }
  // What is checked is the one address: a host that answers elsewhere alone is not well.
  identity.further = base::Sparse<std::vector<net::Address>>();
  if (check.transport_match.has_value()) identity.transport_match = *check.transport_match;
  return std::make_shared<const Host>(host->id(), std::move(identity));
}

std::unique_ptr<Probe> MakeProbe(const HealthCheck& check, CheckCluster& cluster,
                                 const std::shared_ptr<const Host>& host, Probe::OnDone on_done) {
  std::shared_ptr<const Host> target = TargetOf(check, host);
  switch (check.kind) {
    case HealthCheck::Kind::kTcp:
    case HealthCheck::Kind::kRedis:
      return std::make_unique<TcpProbe>(check, cluster, std::move(target), std::move(on_done));
    case HealthCheck::Kind::kGrpc:
      return std::make_unique<GrpcProbe>(check, cluster, std::move(target),
                                         NameOf(*host, check.grpc.authority, cluster.name()),
                                         std::move(on_done));
    case HealthCheck::Kind::kHttp:
      break;
  }
  return std::make_unique<HttpProbe>(check, cluster, std::move(target),
                                     NameOf(*host, check.http.host, cluster.name()),
                                     std::move(on_done));
}

}  // namespace proxenos::health
