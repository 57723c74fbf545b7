// /clusters: the clusters in force, their limits and their hosts.
//
// Envoy's lines and messages, but for what is not known here: canary (load balancing does not look
// at metadata), and the hosts' counters where the server does not keep any.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "re2/re2.h"
#include "source/admin/host_proto.h"
#include "source/admin/pages.h"
#include "source/config/json_output.h"

namespace proxenos::admin {
namespace {

using envoy::admin::v3::SimpleMetric;
using upstream::EndpointHealth;
using upstream::RoutingPriority;

struct Metric {
  absl::string_view name;
  uint64_t HostCounters::*value;
  SimpleMetric::Type type;
};

// In the order of Envoy's text.
constexpr Metric kMetrics[] = {
    {"cx_active", &HostCounters::cx_active, SimpleMetric::GAUGE},
    {"cx_connect_fail", &HostCounters::cx_connect_fail, SimpleMetric::COUNTER},
    {"cx_total", &HostCounters::cx_total, SimpleMetric::COUNTER},
    {"rq_active", &HostCounters::rq_active, SimpleMetric::GAUGE},
    {"rq_error", &HostCounters::rq_error, SimpleMetric::COUNTER},
    {"rq_pending_active", &HostCounters::rq_pending_active, SimpleMetric::GAUGE},
    {"rq_success", &HostCounters::rq_success, SimpleMetric::COUNTER},
    {"rq_timeout", &HostCounters::rq_timeout, SimpleMetric::COUNTER},
    {"rq_total", &HostCounters::rq_total, SimpleMetric::COUNTER},
};

std::string HealthFlags(const upstream::HostEntry& entry) {
  const uint32_t bits = entry.host->health_bits();
  const EndpointHealth discovered = entry.discovered;
  std::string flags;
  const auto add = [&flags](bool set, absl::string_view name) {
    if (set) absl::StrAppend(&flags, "/", name);
  };
  add((bits & upstream::kFailedActiveCheck) != 0, "failed_active_hc");
  add((bits & upstream::kFailedOutlierCheck) != 0, "failed_outlier_check");
  add(discovered == EndpointHealth::kUnhealthy || discovered == EndpointHealth::kTimeout,
      "failed_eds_health");
  add((bits & upstream::kDegradedActiveCheck) != 0, "degraded_active_hc");
  add(discovered == EndpointHealth::kDegraded, "degraded_eds_health");
  add((bits & upstream::kPendingActiveCheck) != 0, "pending_active_hc");
  add((bits & upstream::kExcludedByItself) != 0, "excluded_via_immediate_hc_fail");
  add((bits & upstream::kActiveCheckTimeout) != 0, "active_hc_timeout");
  add(discovered == EndpointHealth::kDraining, "eds_status_draining");
  add((bits & upstream::kDegradedOutlierCheck) != 0, "degraded_outlier_detection");
  return flags.empty() ? "healthy" : flags;
}

void AppendThresholds(absl::string_view cluster, absl::string_view priority,
                      const upstream::Thresholds& limits, std::string& out) {
  const auto line = [&](absl::string_view name, uint32_t value) {
    absl::StrAppend(&out, cluster, "::", priority, "::", name, "::", value, "\n");
  };
  line("max_connections", limits.max_connections);
  line("max_pending_requests", limits.max_pending_requests);
  line("max_requests", limits.max_requests);
  line("max_retries", limits.max_retries);
}

health::OutlierDetector::Rates RatesOf(const ClusterView& cluster, const upstream::Host& host) {
  return cluster.outliers == nullptr ? health::OutlierDetector::Rates()
                                     : cluster.outliers->RatesOf(host.id());
}

void AppendHost(const ClusterView& cluster, upstream::HostIndex index,
                const std::optional<HostCounters>& counters, std::string& out) {
  const upstream::HostEntry& entry = cluster.hosts.entry(index);
  const upstream::Locality& locality = cluster.hosts.locality(index);
  const std::string prefix =
      absl::StrCat(cluster.config.name, "::", entry.host->address().ToString(), "::");
  const auto line = [&](absl::string_view name, const auto& value) {
    absl::StrAppend(&out, prefix, name, "::", value, "\n");
  };
  if (counters) {
    for (const Metric& metric : kMetrics) line(metric.name, (*counters).*metric.value);
  }
  line("hostname", entry.host->hostname());
  line("health_flags", HealthFlags(entry));
  line("weight", entry.weight);
  line("region", locality.region);
  line("zone", locality.zone);
  line("sub_zone", locality.sub_zone);
  line("priority", static_cast<int>(entry.priority));
  const health::OutlierDetector::Rates rates = RatesOf(cluster, *entry.host);
  line("success_rate", rates.external);
  line("local_origin_success_rate", rates.local);
}

void AppendCluster(AdminSource& source, const ClusterView& cluster, std::string& out) {
  const upstream::ClusterConfig& config = cluster.config;
  absl::StrAppend(&out, config.name, "::observability_name::", config.stat_name(), "\n");
  AppendThresholds(config.name, "default_priority", (*config.thresholds)[0], out);
  AppendThresholds(config.name, "high_priority", (*config.thresholds)[1], out);
  absl::StrAppend(&out, config.name, "::added_via_api::", cluster.added_via_api ? "true" : "false",
                  "\n");
  if (config.eds != nullptr) {
    absl::StrAppend(&out, config.name, "::eds_service_name::", config.eds->service_name, "\n");
  }
  for (upstream::HostIndex i = 0; i < cluster.hosts.size(); ++i) {
    std::optional<HostCounters> counters;
    if (source.host_counters) counters = source.host_counters(config, cluster.hosts.host(i));
    AppendHost(cluster, i, counters, out);
  }
}

void FillThresholds(const upstream::Thresholds& limits, bool high,
                    envoy::config::cluster::v3::CircuitBreakers::Thresholds& proto) {
  if (high) proto.set_priority(envoy::config::core::v3::HIGH);
  proto.mutable_max_connections()->set_value(limits.max_connections);
  proto.mutable_max_pending_requests()->set_value(limits.max_pending_requests);
  proto.mutable_max_requests()->set_value(limits.max_requests);
  proto.mutable_max_retries()->set_value(limits.max_retries);
}

void FillHost(const ClusterView& cluster, upstream::HostIndex index,
              const std::optional<HostCounters>& counters, envoy::admin::v3::HostStatus& proto) {
  const upstream::HostEntry& entry = cluster.hosts.entry(index);
  const upstream::Locality& locality = cluster.hosts.locality(index);
  AddressToProto(entry.host->address(), *proto.mutable_address());
  if (counters) {
    for (const Metric& metric : kMetrics) {
      SimpleMetric& stat = *proto.add_stats();
      stat.set_type(metric.type);
      stat.set_name(std::string(metric.name));
      stat.set_value((*counters).*metric.value);
    }
  }
  const uint32_t bits = entry.host->health_bits();
  auto& health = *proto.mutable_health_status();
  health.set_eds_health_status(HealthToProto(entry.discovered));
  health.set_failed_active_health_check((bits & upstream::kFailedActiveCheck) != 0);
  health.set_failed_outlier_check((bits & upstream::kFailedOutlierCheck) != 0);
  health.set_failed_active_degraded_check((bits & upstream::kDegradedActiveCheck) != 0);
  health.set_pending_active_hc((bits & upstream::kPendingActiveCheck) != 0);
  health.set_excluded_via_immediate_hc_fail((bits & upstream::kExcludedByItself) != 0);
  health.set_active_hc_timeout((bits & upstream::kActiveCheckTimeout) != 0);
  const health::OutlierDetector::Rates rates = RatesOf(cluster, *entry.host);
  if (rates.external >= 0) proto.mutable_success_rate()->set_value(rates.external);
  if (rates.local >= 0) proto.mutable_local_origin_success_rate()->set_value(rates.local);
  proto.set_weight(entry.weight);
  proto.set_hostname(entry.host->hostname());
  proto.set_priority(entry.priority);
  proto.mutable_locality()->set_region(locality.region);
  proto.mutable_locality()->set_zone(locality.zone);
  proto.mutable_locality()->set_sub_zone(locality.sub_zone);
}

void FillCluster(AdminSource& source, const ClusterView& cluster,
                 envoy::admin::v3::ClusterStatus& proto) {
  const upstream::ClusterConfig& config = cluster.config;
  proto.set_name(config.name);
  proto.set_added_via_api(cluster.added_via_api);
  proto.set_observability_name(config.stat_name());
  if (config.eds != nullptr) proto.set_eds_service_name(config.eds->service_name);
  auto& breakers = *proto.mutable_circuit_breakers();
  FillThresholds((*config.thresholds)[0], /*high=*/false, *breakers.add_thresholds());
  FillThresholds((*config.thresholds)[1], /*high=*/true, *breakers.add_thresholds());
  for (upstream::HostIndex i = 0; i < cluster.hosts.size(); ++i) {
    std::optional<HostCounters> counters;
    if (source.host_counters) counters = source.host_counters(config, cluster.hosts.host(i));
    FillHost(cluster, i, counters, *proto.add_host_statuses());
  }
}

}  // namespace

Response ClustersPage(AdminSource& source, const Request& request) {
  std::optional<re2::RE2> filter;
  if (const std::string* pattern = request.params.Find("filter")) {
    filter.emplace(*pattern, re2::RE2::Quiet);
    if (!filter->ok()) return Response::Error(400, "Invalid re2 regex");
  }
  const bool json = request.params.Get("format") == "json";
  std::string text;
  envoy::admin::v3::Clusters clusters;
  source.for_each_cluster([&](const ClusterView& cluster) {
    if (filter && !re2::RE2::PartialMatch(cluster.config.name, *filter)) return;
    if (json) {
      FillCluster(source, cluster, *clusters.add_cluster_statuses());
    } else {
      AppendCluster(source, cluster, text);
    }
  });
  return json ? Response::Json(config::ToJson(clusters)) : Response::Text(std::move(text));
}

}  // namespace proxenos::admin
