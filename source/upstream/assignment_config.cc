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
#include "source/upstream/duration_config.h"
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

// The endpoints of a locality, in whichever of the two places they stand.
const google::protobuf::RepeatedPtrField<endpoint::LbEndpoint>& EndpointsOf(
    const endpoint::LocalityLbEndpoints& proto) {
  return proto.has_load_balancer_endpoints() ? proto.load_balancer_endpoints().lb_endpoints()
                                             : proto.lb_endpoints();
}

}  // namespace

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

namespace {

class AssignmentCompiler {
 public:
  AssignmentCompiler(const endpoint::ClusterLoadAssignment& proto, DiscoveryKind kind,
                     config::Errors& errors)
      : proto_(proto), kind_(kind), errors_(errors) {}

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
    const auto& endpoints = EndpointsOf(proto);
    const config::Path list = proto.has_load_balancer_endpoints()
                                  ? path.Field("load_balancer_endpoints").Field("lb_endpoints")
                                  : path.Field("lb_endpoints");
    locality.endpoints.reserve(static_cast<size_t>(endpoints.size()));
    for (int i = 0; i < endpoints.size(); ++i) AddEndpoint(endpoints[i], list.Index(i), locality);
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
    assignment_.weighted_health = proto.weighted_priority_health();
    if (proto.has_endpoint_stale_after()) {
      assignment_.stale_after = CompileDuration(proto.endpoint_stale_after(), errors_,
                                                path.Field("endpoint_stale_after"));
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

  // What the endpoint is, itself or by its name; null, and an error, where there is none of it.
  const endpoint::Endpoint* EndpointOf(const endpoint::LbEndpoint& proto,
                                       const config::Path& path) {
    if (proto.host_identifier_case() != endpoint::LbEndpoint::kEndpointName) {
      return &proto.endpoint();
    }
    const auto named = proto_.named_endpoints().find(proto.endpoint_name());
    if (named != proto_.named_endpoints().end()) return &named->second;
    errors_.AddValue(path.Field("endpoint_name"), proto.endpoint_name(),
                     "the name of one of named_endpoints");
    return nullptr;
  }

  void AddEndpoint(const endpoint::LbEndpoint& proto, const config::Path& path,
                   LocalityEndpoints& locality) {
    const endpoint::Endpoint* const given = EndpointOf(proto, path);
    if (given == nullptr) return;
    Endpoint result;
    result.hostname = given->hostname();
    result.transport_match = CompileTransportMatch(proto.metadata());
    SetHostTlvs(CompileHostTlvs(proto.metadata(), errors_, path.Field("metadata")),
                result.transport_match);
    result.metadata = CompileLbMetadata(proto.metadata());
    result.all_metadata = KeepMetadata(proto.metadata());
    result.check = CompileCheckTarget(*given, errors_, path.Field("endpoint"));
    result.health = HealthOf(proto.health_status());
    if (proto.has_load_balancing_weight()) {
      result.weight = proto.load_balancing_weight().value();
      if (result.weight == 0) {
        errors_.AddValue(path.Field("load_balancing_weight"), "0", "at least 1");
        return;
      }
    }
    const config::Path at = path.Field("endpoint");
    if (!SetAddress(given->address(), at.Field("address"), result)) return;
    SetFurther(*given, at.Field("additional_addresses"), result);
    locality.endpoints.push_back(std::move(result));
  }

  bool SetAddress(const core::Address& address, const config::Path& path, Endpoint& result) {
    if (address.has_socket_address()) {
      return SetSocketAddress(address.socket_address(), path.Field("socket_address"), result);
    }
    if (address.has_pipe()) {
      const auto pipe = CompilePipe(address.pipe(), errors_, path.Field("pipe"));
      if (pipe.has_value()) result.address = *pipe;
      return pipe.has_value();
    }
    if (address.has_envoy_internal_address()) {
      result.address = CompileInternalAddress(address.envoy_internal_address());
      return true;
    }
    errors_.Add(path, "is required, as socket_address, pipe or envoy_internal_address");
    return false;
  }

  void SetFurther(const endpoint::Endpoint& proto, const config::Path& path, Endpoint& result) {
    const auto& all = proto.additional_addresses();
    if (all.empty()) return;
    if (named()) return errors_.Add(path, "is for clusters of type STATIC and EDS");
    if (static_cast<size_t>(all.size()) > kMaxFurtherAddresses) {
      errors_.AddValue(path, absl::StrCat(all.size(), " addresses"),
                       absl::StrCat("at most ", kMaxFurtherAddresses));
      return;
    }
    for (int i = 0; i < all.size(); ++i) {
      const config::Path at = path.Index(i).Field("address").Field("socket_address");
      if (!all[i].address().has_socket_address()) {
        errors_.Add(at, "is required: the addresses of an endpoint are IP addresses");
        continue;
      }
      const auto address = CompileIpAddress(all[i].address().socket_address(), errors_, at);
      if (address.has_value()) result.further.Mutable().push_back(*address);
    }
    if (!result.address.is_ip()) errors_.Add(path, "is for endpoints whose address is an IP");
  }

  bool SetSocketAddress(const core::SocketAddress& proto, const config::Path& path,
                        Endpoint& result) {
    if (!named()) {
      // The protocol is that of whoever speaks to it, whatever is said here, as in Envoy.
      const auto address = CompileDatagramAddress(proto, errors_, path);
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

  const endpoint::ClusterLoadAssignment& proto_;
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
      (proto.endpoints_size() != 1 || EndpointsOf(proto.endpoints(0)).size() != 1)) {
    errors.Add(localities, "a LOGICAL_DNS cluster has exactly one locality with one endpoint");
    return nullptr;
  }
  AssignmentCompiler compiler(proto, kind, errors);
  for (int i = 0; i < proto.endpoints_size(); ++i) {
    compiler.AddLocality(proto.endpoints(i), localities.Index(i));
  }
  compiler.SetPolicy(proto.policy(), path.Field("policy"));
  if (errors.count() != before) return nullptr;
  return std::make_shared<const Assignment>(compiler.Finish());
}

}  // namespace proxenos::upstream
