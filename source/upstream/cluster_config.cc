// From Cluster to ClusterConfig.
#include "source/upstream/cluster_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/balancing_config.h"
#include "source/upstream/connect_rules_config.h"
#include "source/upstream/dns_config.h"
#include "source/upstream/duration_config.h"
#include "source/upstream/health_check_config.h"
#include "source/upstream/http_protocol_config.h"
#include "source/upstream/outlier_detection_config.h"
#include "source/upstream/transport_socket_config.h"
#include "source/upstream/zone_routing.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
using envoy::config::cluster::v3::CircuitBreakers;
using envoy::config::cluster::v3::Cluster;
using DnsClusterProto = envoy::extensions::clusters::dns::v3::DnsCluster;

class ClusterCompiler {
 public:
  ClusterCompiler(const Cluster& proto, config::Errors& errors, const config::Path& path,
                  ClusterKinds kinds)
      : proto_(proto), errors_(errors), path_(path), kinds_(kinds) {}

  ClusterConfig Compile() {
    config_.name = proto_.name();
    config_.alt_stat_name = proto_.alt_stat_name();
    config_.metadata = KeepMetadata(proto_.metadata());
    config_.track_endpoints = proto_.track_cluster_stats().per_endpoint_stats();
    config_.track_sizes = proto_.track_cluster_stats().request_response_sizes();
    config_.track_budgets =
        proto_.track_timeout_budgets() || proto_.track_cluster_stats().timeout_budgets();
    config_.pool_per_client = proto_.connection_pool_per_downstream_connection();
    if (proto_.has_wait_for_warm_on_init()) {
      config_.wait_for_warm_on_init = proto_.wait_for_warm_on_init().value();
    }
    SetConnection();
    SetThresholds();
    SetPreconnect();
    CompileHttpProtocol(proto_, errors_, path_, config_);
    CompileTransportSockets(proto_, errors_, path_, config_);
    CompileBalancing(proto_, errors_, path_, config_);
    SetHealth();
    if (SetDiscovery()) SetEndpoints();
    return std::move(config_);
  }

 private:
  config::Path At(std::string_view field) const { return path_.Field(field); }

  // False when it is of no kind that has endpoints here.
  bool SetDiscovery();
  bool SetClusterType();
  std::string KnownTypes() const;
  void SetEndpoints();
  void SetEds();
  void SetConnection();
  void SetThresholds();
  void SetPreconnect();
  void SetHealth();
  void SetOriginalDst();

  const Cluster& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  const ClusterKinds kinds_;
  ClusterConfig config_;
};

bool ClusterCompiler::SetDiscovery() {
  if (proto_.has_cluster_type()) return SetClusterType();
  switch (proto_.type()) {
    case Cluster::STATIC:
      config_.discovery = DiscoveryKind::kStatic;
      return true;
    case Cluster::STRICT_DNS:
      config_.discovery = DiscoveryKind::kStrictDns;
      return true;
    case Cluster::LOGICAL_DNS:
      config_.discovery = DiscoveryKind::kLogicalDns;
      return true;
    case Cluster::EDS:
      config_.discovery = DiscoveryKind::kEds;
      return true;
    case Cluster::ORIGINAL_DST:
      config_.discovery = DiscoveryKind::kOriginalDst;
      return true;
    default:
      errors_.AddValue(At("type"), Cluster::DiscoveryType_Name(proto_.type()),
                       "STATIC, STRICT_DNS, LOGICAL_DNS, EDS or ORIGINAL_DST");
      return false;
  }
}

std::string ClusterCompiler::KnownTypes() const {
  std::string known = "envoy.extensions.clusters.dns.v3.DnsCluster (or type in its place)";
  for (const ClusterKind& kind : kinds_) absl::StrAppend(&known, ", ", kind.type);
  return known;
}

bool ClusterCompiler::SetClusterType() {
  const auto& any = proto_.cluster_type().typed_config();
  const config::Path at = At("cluster_type").Field("typed_config");
  const std::string type = config::TypedConfigType(any);
  for (const ClusterKind& kind : kinds_) {
    if (type != kind.type) continue;
    kind.compile(proto_, errors_, path_, config_);
    return false;
  }
  DnsClusterProto proto;
  if (type != proto.GetDescriptor()->full_name()) {
    errors_.AddValue(at, type, KnownTypes());
    return false;
  }
  if (!config::UnpackTypedConfigTo(any, proto, at, errors_)) return false;
  config_.discovery = proto.all_addresses_in_single_endpoint() ? DiscoveryKind::kLogicalDns
                                                               : DiscoveryKind::kStrictDns;
  config_.dns = CompileDnsSettings(proto, errors_, at);
  return true;
}

void ClusterCompiler::SetEndpoints() {
  if (config_.discovery == DiscoveryKind::kEds) return SetEds();
  if (config_.discovery == DiscoveryKind::kOriginalDst) return SetOriginalDst();
  if (proto_.has_eds_cluster_config()) {
    errors_.Add(At("eds_cluster_config"), "is only for a cluster of type EDS");
  }
  if (config_.discovery != DiscoveryKind::kStatic && config_.dns == nullptr) {
    config_.dns = CompileDnsSettings(proto_, errors_, path_);
  }
  config_.assignment = CompileAssignment(proto_.load_assignment(), config_.discovery, errors_,
                                         At("load_assignment"));
}

void ClusterCompiler::SetOriginalDst() {
  if (proto_.lb_policy() != Cluster::CLUSTER_PROVIDED && !proto_.has_load_balancing_policy()) {
    errors_.AddValue(At("lb_policy"), Cluster::LbPolicy_Name(proto_.lb_policy()),
                     "CLUSTER_PROVIDED, in a cluster of type ORIGINAL_DST");
  }
  if (proto_.has_load_assignment()) {
    errors_.Add(At("load_assignment"), "is not for a cluster of type ORIGINAL_DST");
  }
  OriginalDstSettings settings;
  const auto& given = proto_.original_dst_lb_config();
  if (given.use_http_header()) {
    settings.header = given.http_header_name().empty()
                          ? "x-envoy-original-dst-host"
                          : absl::AsciiStrToLower(given.http_header_name());
  }
  if (given.has_upstream_port_override()) {
    settings.port_override = static_cast<uint16_t>(given.upstream_port_override().value());
  }
  if (proto_.has_cleanup_interval()) {
    settings.cleanup_interval =
        CompileDuration(proto_.cleanup_interval(), errors_, At("cleanup_interval"));
  }
  config_.original_dst = std::make_shared<const OriginalDstSettings>(std::move(settings));
  config_.assignment = std::make_shared<const Assignment>();
}

void ClusterCompiler::SetEds() {
  const config::Path path = At("eds_cluster_config");
  const auto& proto = proto_.eds_cluster_config();
  if (!proto.has_eds_config()) {
    errors_.Add(path.Field("eds_config"), "is required for a cluster of type EDS");
    return;
  }
  EdsSettings settings;
  settings.service_name = proto.service_name().empty() ? proto_.name() : proto.service_name();
  settings.ads = proto.eds_config().has_ads() || proto.eds_config().has_self();
  if (!settings.ads) settings.source = proto.eds_config().SerializeAsString();
  if (proto.eds_config().has_initial_fetch_timeout()) {
    settings.initial_fetch_timeout =
        CompileDuration(proto.eds_config().initial_fetch_timeout(), errors_,
                        path.Field("eds_config").Field("initial_fetch_timeout"));
  }
  config_.eds = std::make_shared<const EdsSettings>(std::move(settings));
}

void ClusterCompiler::SetConnection() {
  if (proto_.has_connect_timeout()) {
    config_.connect_timeout =
        CompileDuration(proto_.connect_timeout(), errors_, At("connect_timeout"));
  }
  if (proto_.has_per_connection_buffer_limit_bytes()) {
    // Zero is "no limit" there; as good as none is what 32 bits can say.
    const uint32_t limit = proto_.per_connection_buffer_limit_bytes().value();
    config_.connection_buffer_bytes = limit == 0 ? UINT32_MAX : limit;
  }
  if (proto_.upstream_connection_options().has_tcp_keepalive()) {
    const auto& keepalive = proto_.upstream_connection_options().tcp_keepalive();
    config_.keepalive =
        TcpKeepalive{true, keepalive.keepalive_probes().value(), keepalive.keepalive_time().value(),
                     keepalive.keepalive_interval().value()};
  }
  CompileConnectRules(proto_, errors_, path_, config_.connecting);
}

void ClusterCompiler::SetPreconnect() {
  const auto& policy = proto_.preconnect_policy();
  if (policy.has_per_upstream_preconnect_ratio()) {
    config_.preconnect_ratio = policy.per_upstream_preconnect_ratio().value();
  }
}

void ClusterCompiler::SetThresholds() {
  bool given[kRoutingPriorities] = {};
  for (const CircuitBreakers::Thresholds& proto : proto_.circuit_breakers().thresholds()) {
    const int priority = proto.priority() == core::HIGH ? 1 : 0;
    if (std::exchange(given[priority], true)) continue;  // Of several for one, the first counts.
    Thresholds& thresholds = config_.thresholds.Mutable()[priority];
    const auto set = [](const google::protobuf::UInt32Value& from, bool present, uint32_t& to) {
      if (present) to = from.value();
    };
    set(proto.max_connections(), proto.has_max_connections(), thresholds.max_connections);
    set(proto.max_pending_requests(), proto.has_max_pending_requests(),
        thresholds.max_pending_requests);
    set(proto.max_requests(), proto.has_max_requests(), thresholds.max_requests);
    set(proto.max_retries(), proto.has_max_retries(), thresholds.max_retries);
    thresholds.track_remaining = proto.track_remaining();
    if (!proto.has_retry_budget()) continue;
    RetryBudget& budget = thresholds.retry_budget.emplace();
    if (proto.retry_budget().has_budget_percent()) {
      budget.percent = proto.retry_budget().budget_percent().value();
    }
    set(proto.retry_budget().min_retry_concurrency(),
        proto.retry_budget().has_min_retry_concurrency(), budget.min_concurrency);
  }
  for (const CircuitBreakers::Thresholds& proto : proto_.circuit_breakers().per_host_thresholds()) {
    if (proto.priority() != core::DEFAULT || !proto.has_max_connections()) continue;
    config_.max_connections_per_host = proto.max_connections().value();
  }
}

void ClusterCompiler::SetHealth() {
  if (proto_.health_checks_size() > 1) {
    errors_.Add(At("health_checks"), "a cluster has at most one health check");
  } else if (proto_.health_checks_size() == 1) {
    config_.health_check =
        CompileHealthCheck(proto_.health_checks(0), errors_, At("health_checks").Index(0));
  }
  if (proto_.has_outlier_detection()) {
    config_.outliers =
        CompileOutlierDetection(proto_.outlier_detection(), errors_, At("outlier_detection"));
  }
  config_.ignore_new_hosts_until_first_check =
      proto_.common_lb_config().ignore_new_hosts_until_first_hc();
  config_.ignore_health_on_host_removal = proto_.ignore_health_on_host_removal();
  config_.close_connections_on_host_health_failure =
      proto_.close_connections_on_host_health_failure();
  config_.close_connections_on_host_set_change =
      proto_.common_lb_config().close_connections_on_host_set_change();
  if (proto_.common_lb_config().has_override_host_status()) {
    config_.override_states = 0;
    for (const int state : proto_.common_lb_config().override_host_status().statuses()) {
      config_.override_states |= BitOf(HealthOf(static_cast<core::HealthStatus>(state)));
    }
  }
}

}  // namespace

std::shared_ptr<const ClusterConfig> CompileCluster(const Cluster& proto, config::Errors& errors,
                                                    const config::Path& path,
                                                    std::shared_ptr<const LocalZones> local_zones,
                                                    ClusterKinds kinds) {
  const size_t before = errors.count();
  ClusterConfig compiled = ClusterCompiler(proto, errors, path, kinds).Compile();
  // Our own kind is not sent anything by zone.
  if (local_zones != nullptr && local_zones->cluster() != compiled.name) {
    compiled.local_zones = std::move(local_zones);
  }
  if (errors.count() != before) return nullptr;
  return std::make_shared<const ClusterConfig>(std::move(compiled));
}

}  // namespace proxenos::upstream
