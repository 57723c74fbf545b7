// From Cluster to ClusterConfig.
#include "source/upstream/cluster_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/dns_config.h"
#include "source/upstream/duration_config.h"
#include "source/upstream/http_protocol_config.h"
#include "source/upstream/transport_socket_config.h"

namespace proxenos::upstream {
namespace {

namespace core = envoy::config::core::v3;
namespace policies = envoy::extensions::load_balancing_policies;
using envoy::config::cluster::v3::CircuitBreakers;
using envoy::config::cluster::v3::Cluster;

// Each choice is a draw on the request path; more of them change nothing but the time it takes.
constexpr uint32_t kMaxChoices = 1000;

class ClusterCompiler {
 public:
  ClusterCompiler(const Cluster& proto, config::Errors& errors, const config::Path& path)
      : proto_(proto), errors_(errors), path_(path) {}

  ClusterConfig Compile() {
    config_.name = proto_.name();
    config_.alt_stat_name = proto_.alt_stat_name();
    if (proto_.has_wait_for_warm_on_init()) {
      config_.wait_for_warm_on_init = proto_.wait_for_warm_on_init().value();
    }
    SetConnection();
    SetThresholds();
    CompileHttpProtocol(proto_, errors_, path_, config_);
    CompileTransportSockets(proto_, errors_, path_, config_);
    SetBalancing();
    if (SetDiscovery()) SetEndpoints();
    return std::move(config_);
  }

 private:
  config::Path At(std::string_view field) const { return path_.Field(field); }

  // False when it is of no kind that has endpoints here.
  bool SetDiscovery();
  void SetEndpoints();
  void SetEds();
  void SetConnection();
  void SetThresholds();
  void SetBalancing();
  void SetCommonLb();
  void SetPolicyExtension();
  void SetPolicy(LbPolicy policy, bool locality_weighted);
  // Least request: both messages have these two fields.
  template <typename LeastRequestProto>
  void SetLeastRequest(const LeastRequestProto& proto, const config::Path& path);

  const Cluster& proto_;
  config::Errors& errors_;
  const config::Path& path_;
  ClusterConfig config_;
};

bool ClusterCompiler::SetDiscovery() {
  if (proto_.has_cluster_type()) {
    errors_.AddValue(At("cluster_type"), proto_.cluster_type().name(),
                     "type STATIC, STRICT_DNS, LOGICAL_DNS or EDS");
    return false;
  }
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
    default:
      errors_.AddValue(At("type"), Cluster::DiscoveryType_Name(proto_.type()),
                       "STATIC, STRICT_DNS, LOGICAL_DNS or EDS");
      return false;
  }
}

void ClusterCompiler::SetEndpoints() {
  if (config_.discovery == DiscoveryKind::kEds) {
    SetEds();
    return;
  }
  if (proto_.has_eds_cluster_config()) {
    errors_.Add(At("eds_cluster_config"), "is only for a cluster of type EDS");
  }
  if (config_.discovery != DiscoveryKind::kStatic) {
    config_.dns = CompileDnsSettings(proto_, errors_, path_);
  }
  config_.assignment = CompileAssignment(proto_.load_assignment(), config_.discovery, errors_,
                                         At("load_assignment"));
}

void ClusterCompiler::SetEds() {
  const config::Path path = At("eds_cluster_config");
  const auto& proto = proto_.eds_cluster_config();
  if (!proto.has_eds_config()) {
    errors_.Add(path.Field("eds_config"), "is required for a cluster of type EDS");
    return;
  }
  auto settings = std::make_unique<EdsSettings>();
  settings->service_name = proto.service_name().empty() ? proto_.name() : proto.service_name();
  settings->ads = proto.eds_config().has_ads() || proto.eds_config().has_self();
  if (!settings->ads) settings->source = proto.eds_config().SerializeAsString();
  if (proto.eds_config().has_initial_fetch_timeout()) {
    settings->initial_fetch_timeout =
        CompileDuration(proto.eds_config().initial_fetch_timeout(), errors_,
                        path.Field("eds_config").Field("initial_fetch_timeout"));
  }
  config_.eds = std::move(settings);
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
  if (proto_.upstream_bind_config().has_source_address()) {
    const auto source = CompileIpAddress(proto_.upstream_bind_config().source_address(), errors_,
                                         At("upstream_bind_config").Field("source_address"));
    if (source.has_value()) config_.source_address = *source;
  }
}

void ClusterCompiler::SetThresholds() {
  bool given[kRoutingPriorities] = {};
  for (const CircuitBreakers::Thresholds& proto : proto_.circuit_breakers().thresholds()) {
    const int priority = proto.priority() == core::HIGH ? 1 : 0;
    if (std::exchange(given[priority], true)) continue;  // Of several for one, the first counts.
    Thresholds& thresholds = config_.thresholds[priority];
    const auto set = [](const google::protobuf::UInt32Value& from, bool present, uint32_t& to) {
      if (present) to = from.value();
    };
    set(proto.max_connections(), proto.has_max_connections(), thresholds.max_connections);
    set(proto.max_pending_requests(), proto.has_max_pending_requests(),
        thresholds.max_pending_requests);
    set(proto.max_requests(), proto.has_max_requests(), thresholds.max_requests);
    set(proto.max_retries(), proto.has_max_retries(), thresholds.max_retries);
    thresholds.track_remaining = proto.track_remaining();
  }
}

void ClusterCompiler::SetBalancing() {
  SetCommonLb();
  if (proto_.has_load_balancing_policy()) {  // It replaces lb_policy and common_lb_config's parts.
    SetPolicyExtension();
    return;
  }
  switch (proto_.lb_policy()) {
    case Cluster::ROUND_ROBIN:
      config_.lb_policy = LbPolicy::kRoundRobin;
      return;
    case Cluster::LEAST_REQUEST:
      config_.lb_policy = LbPolicy::kLeastRequest;
      SetLeastRequest(proto_.least_request_lb_config(), At("least_request_lb_config"));
      return;
    case Cluster::RANDOM:
      config_.lb_policy = LbPolicy::kRandom;
      return;
    case Cluster::LOAD_BALANCING_POLICY_CONFIG:
      errors_.Add(At("load_balancing_policy"),
                  "is required with lb_policy LOAD_BALANCING_POLICY_CONFIG");
      return;
    default:
      errors_.AddValue(At("lb_policy"), Cluster::LbPolicy_Name(proto_.lb_policy()),
                       "ROUND_ROBIN, LEAST_REQUEST or RANDOM");
  }
}

void ClusterCompiler::SetCommonLb() {
  const auto& common = proto_.common_lb_config();
  if (common.has_healthy_panic_threshold()) {
    const double percent = common.healthy_panic_threshold().value();
    if (!(percent >= 0 && percent <= 100)) {
      errors_.AddValue(At("common_lb_config").Field("healthy_panic_threshold"),
                       std::to_string(percent), "0 to 100");
    } else {
      config_.panic_threshold_percent = static_cast<uint8_t>(std::lround(percent));
    }
  }
  config_.locality_weighted = common.has_locality_weighted_lb_config();
}

void ClusterCompiler::SetPolicyExtension() {
  const config::Path list = At("load_balancing_policy").Field("policies");
  const auto& all = proto_.load_balancing_policy().policies();
  // The first that is known counts: a control plane lists newer ones before.
  for (int i = 0; i < all.size(); ++i) {
    const auto& any = all[i].typed_extension_config().typed_config();
    const config::Path path = list.Index(i).Field("typed_extension_config").Field("typed_config");
    const std::string type = config::TypedConfigType(any);
    if (type == policies::round_robin::v3::RoundRobin::descriptor()->full_name()) {
      policies::round_robin::v3::RoundRobin proto;
      if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return;
      SetPolicy(LbPolicy::kRoundRobin,
                proto.locality_lb_config().has_locality_weighted_lb_config());
      return;
    }
    if (type == policies::least_request::v3::LeastRequest::descriptor()->full_name()) {
      policies::least_request::v3::LeastRequest proto;
      if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return;
      SetPolicy(LbPolicy::kLeastRequest,
                proto.locality_lb_config().has_locality_weighted_lb_config());
      SetLeastRequest(proto, path);
      if (proto.selection_method() != policies::least_request::v3::LeastRequest::N_CHOICES ||
          proto.enable_full_scan().value()) {
        errors_.Add(path.Field("selection_method"), "only N_CHOICES is implemented");
      }
      return;
    }
    if (type == policies::random::v3::Random::descriptor()->full_name()) {
      policies::random::v3::Random proto;
      if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return;
      SetPolicy(LbPolicy::kRandom, proto.locality_lb_config().has_locality_weighted_lb_config());
      return;
    }
  }
  errors_.Add(list, "expected at least one of RoundRobin, LeastRequest and Random");
}

void ClusterCompiler::SetPolicy(LbPolicy policy, bool locality_weighted) {
  config_.lb_policy = policy;
  config_.locality_weighted = locality_weighted;
}

template <typename LeastRequestProto>
void ClusterCompiler::SetLeastRequest(const LeastRequestProto& proto, const config::Path& path) {
  if (proto.has_choice_count()) {
    const uint32_t choices = proto.choice_count().value();
    if (choices < 2 || choices > kMaxChoices) {
      errors_.AddValue(path.Field("choice_count"), std::to_string(choices),
                       absl::StrCat("2 to ", kMaxChoices));
    } else {
      config_.least_request_choices = choices;
    }
  }
  if (proto.has_active_request_bias() && proto.active_request_bias().default_value() != 1.0) {
    errors_.Add(path.Field("active_request_bias"), "only a bias of 1 is implemented");
  }
}

}  // namespace

std::shared_ptr<const ClusterConfig> CompileCluster(const Cluster& proto, config::Errors& errors,
                                                    const config::Path& path) {
  const size_t before = errors.count();
  auto result =
      std::make_shared<const ClusterConfig>(ClusterCompiler(proto, errors, path).Compile());
  return errors.count() == before ? result : nullptr;
}

}  // namespace proxenos::upstream
