// From ClusterLoadAssignment to Assignment.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/endpoint/v3/endpoint_components.pb.h"
#include "envoy/type/v3/percent.pb.h"
#include "source/upstream/address_config.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/health_check_config.h"
#include "source/upstream/host_tlvs.h"
#include "source/upstream/proxy_tlv_config.h"
#include "source/upstream/transport_socket_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
namespace endpoint = envoy::config::endpoint::v3;

// A HostSet names localities by 16 bits.
constexpr int kMaxLocalities = UINT16_MAX;
// LocalityLbEndpoints.priority, by its validate rule.
constexpr uint32_t kMaxPriority = 128;

EndpointHealth HealthOf(core::HealthStatus status) {
  switch (status) {
    case core::UNHEALTHY:
      return EndpointHealth::kUnhealthy;
    case core::DRAINING:
      return EndpointHealth::kDraining;
    case core::TIMEOUT:
      return EndpointHealth::kTimeout;
    case core::DEGRADED:
      return EndpointHealth::kDegraded;
    default:
      return EndpointHealth::kHealthy;
  }
}

class AssignmentCompiler {
 public:
  AssignmentCompiler(DiscoveryKind kind, config::Errors& errors) : kind_(kind), errors_(errors) {}

  void AddLocality(const endpoint::LocalityLbEndpoints& proto, const config::Path& path) {
    LocalityEndpoints locality;
    locality.locality.region = proto.locality().region();
    locality.locality.zone = proto.locality().zone();
    locality.locality.sub_zone = proto.locality().sub_zone();
    locality.weight = proto.load_balancing_weight().value();
    locality.priority = proto.priority();
    if (proto.priority() > kMaxPriority) {
      errors_.AddValue(path.Field("priority"), std::to_string(proto.priority()),
                       "a number up to 128");
      return;
    }
    locality.endpoints.reserve(proto.lb_endpoints_size());
    for (int i = 0; i < proto.lb_endpoints_size(); ++i) {
      AddEndpoint(proto.lb_endpoints(i), path.Field("lb_endpoints").Index(i), locality);
    }
    // Endpoints that say nothing themselves are what their locality is.
    const FlatStruct match = CompileTransportMatch(proto.metadata());
    for (Endpoint& endpoint : locality.endpoints) {
      InheritTransportMatch(match, endpoint.transport_match);
    }
    assignment_.localities.push_back(std::move(locality));
  }

  Assignment Finish() { return std::move(assignment_); }
  void SetPolicy(const endpoint::ClusterLoadAssignment::Policy& proto, const config::Path& path) {
    if (proto.has_overprovisioning_factor()) {
      assignment_.overprovisioning_percent = proto.overprovisioning_factor().value();
    }
    if (proto.drop_overloads_size() == 0) return;  // There is no second one (fields_table).
    const auto& drop = proto.drop_overloads(0);
    const config::Path at = path.Field("drop_overloads").Index(0).Field("drop_percentage");
    assignment_.drop_overload = {drop.category(), MillionthsOf(drop.drop_percentage(), at)};
  }

 private:
  uint32_t MillionthsOf(const envoy::type::v3::FractionalPercent& proto, const config::Path& path) {
    uint64_t whole = 100;
    if (proto.denominator() == envoy::type::v3::FractionalPercent::TEN_THOUSAND) whole = 10'000;
    if (proto.denominator() == envoy::type::v3::FractionalPercent::MILLION) whole = 1'000'000;
    if (proto.numerator() > whole) {
      errors_.AddValue(path.Field("numerator"), absl::StrCat(proto.numerator()),
                       absl::StrCat("at most ", whole, ", the denominator"));
      return 0;
    }
    return static_cast<uint32_t>(proto.numerator() * (1'000'000 / whole));
  }

  bool named() const {
    return kind_ == DiscoveryKind::kStrictDns || kind_ == DiscoveryKind::kLogicalDns;
  }

  void AddEndpoint(const endpoint::LbEndpoint& proto, const config::Path& path,
                   LocalityEndpoints& locality) {
    Endpoint result;
    result.hostname = proto.endpoint().hostname();
    result.transport_match = CompileTransportMatch(proto.metadata());
    SetHostTlvs(CompileHostTlvs(proto.metadata(), errors_, path.Field("metadata")),
                result.transport_match);
    result.metadata = CompileLbMetadata(proto.metadata());
    result.check = CompileCheckTarget(proto.endpoint(), errors_, path.Field("endpoint"));
    result.health = HealthOf(proto.health_status());
    if (proto.has_load_balancing_weight()) {
      result.weight = proto.load_balancing_weight().value();
      if (result.weight == 0) {
        errors_.AddValue(path.Field("load_balancing_weight"), "0", "at least 1");
        return;
      }
    }
    const core::Address& address = proto.endpoint().address();
    const config::Path address_path = path.Field("endpoint").Field("address");
    bool good = false;
    if (address.has_socket_address()) {
      good =
          SetSocketAddress(address.socket_address(), address_path.Field("socket_address"), result);
    } else if (address.has_pipe()) {
      const auto pipe = CompilePipe(address.pipe(), errors_, address_path.Field("pipe"));
      good = pipe.has_value();
      if (good) result.address = *pipe;
    } else if (address.has_envoy_internal_address()) {
      good = true;
      result.address = CompileInternalAddress(address.envoy_internal_address());
    } else {
      errors_.Add(address_path, "is required, as socket_address, pipe or envoy_internal_address");
    }
    if (good) locality.endpoints.push_back(std::move(result));
  }

  bool SetSocketAddress(const core::SocketAddress& proto, const config::Path& path,
                        Endpoint& result) {
    if (proto.protocol() != core::SocketAddress::TCP) {
      errors_.AddValue(path.Field("protocol"), "UDP", "TCP");
      return false;
    }
    if (!named()) {
      const auto address = CompileIpAddress(proto, errors_, path);
      if (address.has_value()) result.address = *address;
      return address.has_value();
    }
    if (!proto.resolver_name().empty()) {
      errors_.AddValue(path.Field("resolver_name"), proto.resolver_name(),
                       "nothing in a cluster of a DNS type");
      return false;
    }
    const std::optional<uint16_t> port = CompilePort(proto, errors_, path);
    if (!port.has_value()) return false;
    if (result.hostname.empty()) result.hostname = proto.address();
    const auto numeric = net::Address::FromIp(proto.address(), *port);
    if (numeric.ok()) {
      result.address = *numeric;
      return true;
    }
    result.dns_name = proto.address();
    result.dns_port = *port;
    if (kind_ == DiscoveryKind::kLogicalDns) {
      result.logical_name = absl::StrCat(proto.address(), ":", *port);
    }
    return true;
  }

  const DiscoveryKind kind_;
  config::Errors& errors_;
  Assignment assignment_;
};

}  // namespace

std::shared_ptr<const Assignment> CompileAssignment(const endpoint::ClusterLoadAssignment& proto,
                                                    config::Errors& errors,
                                                    const config::Path& path) {
  return CompileAssignment(proto, DiscoveryKind::kEds, errors, path);
}

std::shared_ptr<const Assignment> CompileAssignment(const endpoint::ClusterLoadAssignment& proto,
                                                    DiscoveryKind kind, config::Errors& errors,
                                                    const config::Path& path) {
  const size_t before = errors.count();
  const config::Path localities = path.Field("endpoints");
  if (proto.endpoints_size() > kMaxLocalities) {
    errors.AddValue(localities, absl::StrCat(proto.endpoints_size(), " localities"),
                    absl::StrCat("at most ", kMaxLocalities));
    return nullptr;
  }
  if (kind == DiscoveryKind::kLogicalDns &&
      (proto.endpoints_size() != 1 || proto.endpoints(0).lb_endpoints_size() != 1)) {
    errors.Add(localities, "a LOGICAL_DNS cluster has exactly one locality with one endpoint");
    return nullptr;
  }
  AssignmentCompiler compiler(kind, errors);
  for (int i = 0; i < proto.endpoints_size(); ++i) {
    compiler.AddLocality(proto.endpoints(i), localities.Index(i));
  }
  compiler.SetPolicy(proto.policy(), path.Field("policy"));
  if (errors.count() != before) return nullptr;
  return std::make_shared<const Assignment>(compiler.Finish());
}

}  // namespace proxenos::upstream
