// What each kind asks of a cluster's configuration.
#include "source/upstream/cluster_kinds_config.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/clusters/aggregate/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb.h"
#include "source/config/typed_config.h"
#include "source/upstream/dns_cache_config.h"

namespace proxenos::upstream {
namespace {

using envoy::config::cluster::v3::Cluster;
using AggregateProto = envoy::extensions::clusters::aggregate::v3::ClusterConfig;
using DynamicProto = envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig;

// Each of them is looked at by every request.
constexpr int kMaxAggregated = 64;

// Fields that speak of endpoints are not for a cluster that has none.
void RefuseEndpoints(const Cluster& proto, absl::string_view kind, config::Errors& errors,
                     const config::Path& path, ClusterConfig& to) {
  if (proto.lb_policy() != Cluster::CLUSTER_PROVIDED && !proto.has_load_balancing_policy()) {
    errors.AddValue(path.Field("lb_policy"), Cluster::LbPolicy_Name(proto.lb_policy()),
                    absl::StrCat("CLUSTER_PROVIDED, in ", kind));
  }
  const std::string words =
      absl::StrCat("is not for ", kind, ", which has no endpoints of its own");
  const std::pair<bool, std::string_view> fields[] = {
      {proto.has_load_assignment(), "load_assignment"},
      {proto.has_eds_cluster_config(), "eds_cluster_config"},
      {proto.health_checks_size() > 0, "health_checks"},
      // Control planes give aggregates those of the clusters within: nothing would be looked at.
      {proto.has_outlier_detection() && to.discovery != DiscoveryKind::kAggregate,
       "outlier_detection"},
  };
  for (const auto& [given, field] : fields) {
    if (given) errors.Add(path.Field(field), words);
  }
  to.assignment = std::make_shared<const Assignment>();
}

// Who is spoken TLS to must be who was asked for, unless the configuration knows better.
void SetNames(const Cluster& proto, bool insecure, config::Errors& errors, const config::Path& path,
              ClusterConfig& to) {
  const bool typed = proto.typed_extension_protocol_options().contains(
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions");
  if (!typed && !proto.has_upstream_http_protocol_options()) {
    to.auto_sni = to.auto_san_validation = true;
  }
  if (!insecure && !(to.auto_sni && to.auto_san_validation)) {
    errors.Add(path.Field("upstream_http_protocol_options"),
               "expected auto_sni and auto_san_validation, unless allow_insecure_cluster_options "
               "is set");
  }
  // Nothing depends on names in plain text: connections need not be told apart.
  if (to.tls.empty()) to.auto_sni = to.auto_san_validation = false;
}

void CompileDynamic(const Cluster& proto, config::Errors& errors, const config::Path& path,
                    ClusterConfig& to) {
  DynamicProto dynamic;
  const config::Path at = path.Field("cluster_type").Field("typed_config");
  to.discovery = DiscoveryKind::kDynamicForwardProxy;
  if (!config::UnpackTypedConfigTo(proto.cluster_type().typed_config(), dynamic, at, errors)) {
    return;
  }
  DynamicForwardProxy compiled = CompileDynamicForwardProxy(dynamic, errors, at);
  if (to.transport_socket.tls != TransportSocket::kPlaintext) compiled.default_port = 443;
  to.dynamic_forward_proxy = std::make_shared<const DynamicForwardProxy>(std::move(compiled));
  RefuseEndpoints(proto, "a dynamic forward proxy", errors, path, to);
  SetNames(proto, dynamic.allow_insecure_cluster_options(), errors, path, to);
}

void CompileAggregate(const Cluster& proto, config::Errors& errors, const config::Path& path,
                      ClusterConfig& to) {
  AggregateProto aggregate;
  const config::Path at = path.Field("cluster_type").Field("typed_config");
  to.discovery = DiscoveryKind::kAggregate;
  if (!config::UnpackTypedConfigTo(proto.cluster_type().typed_config(), aggregate, at, errors)) {
    return;
  }
  std::vector<std::string> names;
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < aggregate.clusters_size(); ++i) {
    const std::string& name = aggregate.clusters(i);
    const config::Path element = at.Field("clusters").Index(static_cast<size_t>(i));
    if (name == proto.name()) errors.AddValue(element, name, "another cluster than this one");
    if (!seen.insert(name).second) errors.AddValue(element, name, "each cluster once");
    names.push_back(name);
  }
  if (names.size() > kMaxAggregated) {
    errors.Add(at.Field("clusters"), absl::StrCat("expected at most ", kMaxAggregated));
  }
  to.aggregated = std::make_shared<const std::vector<std::string>>(std::move(names));
  RefuseEndpoints(proto, "an aggregate cluster", errors, path, to);
  to.outliers = nullptr;
}

}  // namespace

ClusterKinds BuiltinClusterKinds() {
  static constexpr ClusterKind kKinds[] = {
      {"envoy.extensions.clusters.aggregate.v3.ClusterConfig", CompileAggregate},
      {"envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", CompileDynamic},
  };
  return kKinds;
}

}  // namespace proxenos::upstream
