// Periods, shares and names of metrics.
#include "source/upstream/live_weights_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/base/log.h"
#include "source/json/flat_struct_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::upstream {
namespace {

namespace policies = envoy::extensions::load_balancing_policies;
using envoy::config::cluster::v3::Cluster;
using policies::client_side_weighted_round_robin::v3::ClientSideWeightedRoundRobin;

// Each is looked for in each report.
constexpr int kMaxMetrics = 100;

template <typename Proto>
std::shared_ptr<const SlowStart> CompileEither(const Proto& proto, config::Errors& errors,
                                               const config::Path& path) {
  SlowStart slow_start;
  slow_start.window =
      CompileDuration(proto.slow_start_window(), errors, path.Field("slow_start_window"));
  if (proto.has_aggression()) slow_start.aggression = proto.aggression().default_value();
  if (!(slow_start.aggression > 0)) {
    errors.AddValue(path.Field("aggression").Field("default_value"),
                    std::to_string(slow_start.aggression), "more than 0");
  }
  if (proto.has_min_weight_percent()) {
    slow_start.least_share = proto.min_weight_percent().value() / 100;
  }
  if (slow_start.window == 0) return nullptr;
  return std::make_shared<const SlowStart>(slow_start);
}

template <typename Names>
std::vector<OrcaMetric> CompileMetrics(const Names& names, config::Errors& errors,
                                       const config::Path& path) {
  std::vector<OrcaMetric> metrics;
  if (names.size() > kMaxMetrics) {
    errors.AddValue(path, std::to_string(names.size()) + " metrics", "at most 100");
    return metrics;
  }
  for (int i = 0; i < names.size(); ++i) {
    std::optional<OrcaMetric> metric = OrcaMetric::Named(names[i]);
    if (metric.has_value()) {
      metrics.push_back(*std::move(metric));
    } else {
      // As in Envoy, which control planes that write such names are tested against.
      PX_LOG(kConfig, kWarn, path.Index(static_cast<size_t>(i)).text(), ": '", names[i],
             "' is in no report, and counts for nothing: expected cpu_utilization, "
             "mem_utilization, application_utilization, eps, rps_fractional, or "
             "named_metrics.KEY, utilization.KEY, request_cost.KEY, where KEY may be *");
    }
  }
  return metrics;
}

}  // namespace

std::shared_ptr<const SlowStart> CompileSlowStart(const Cluster::SlowStartConfig& proto,
                                                  config::Errors& errors,
                                                  const config::Path& path) {
  return CompileEither(proto, errors, path);
}

std::shared_ptr<const SlowStart> CompileSlowStart(
    const policies::common::v3::SlowStartConfig& proto, config::Errors& errors,
    const config::Path& path) {
  return CompileEither(proto, errors, path);
}

namespace {

std::shared_ptr<const OrcaOutOfBand> CompileOutOfBand(const ClientSideWeightedRoundRobin& proto,
                                                      config::Errors& errors,
                                                      const config::Path& path) {
  if (!proto.enable_oob_load_report().value()) return nullptr;
  OrcaOutOfBand rules;
  rules.weights = std::make_shared<const HostWeights>();
  const config::Path period = path.Field("oob_reporting_period");
  if (proto.has_oob_reporting_period()) {
    rules.period = CompileDuration(proto.oob_reporting_period(), errors, period);
    if (rules.period == 0) errors.Add(period, "expected more than 0");
  }
  const auto& how = proto.oob_reporting_config();
  rules.port = static_cast<uint16_t>(how.port_value());
  rules.authority = how.authority();
  if (how.has_transport_socket_match_criteria()) {
    rules.transport_match = json::FlattenStruct(how.transport_socket_match_criteria());
  }
  return std::make_shared<const OrcaOutOfBand>(std::move(rules));
}

}  // namespace

OrcaWeighting CompileOrcaWeighting(const ClientSideWeightedRoundRobin& proto,
                                   config::Errors& errors, const config::Path& path) {
  OrcaWeighting weighting;
  const auto set = [&errors, &path](const google::protobuf::Duration& from, std::string_view field,
                                    base::Nanos& to) {
    to = CompileDuration(from, errors, path.Field(field));
  };
  if (proto.has_blackout_period()) {
    set(proto.blackout_period(), "blackout_period", weighting.blackout_period);
  }
  if (proto.has_weight_expiration_period()) {
    set(proto.weight_expiration_period(), "weight_expiration_period", weighting.expiration_period);
  }
  if (proto.has_weight_update_period()) {
    set(proto.weight_update_period(), "weight_update_period", weighting.update_period);
  }
  weighting.update_period = std::max(weighting.update_period, OrcaWeighting::kLeastUpdatePeriod);
  if (proto.has_error_utilization_penalty()) {
    weighting.error_penalty = static_cast<double>(proto.error_utilization_penalty().value());
  }
  weighting.utilization = CompileMetrics(proto.metric_names_for_computing_utilization(), errors,
                                         path.Field("metric_names_for_computing_utilization"));
  weighting.out_of_band = CompileOutOfBand(proto, errors, path);
  return weighting;
}

std::vector<OrcaMetric> CompileReportedMetrics(const Cluster& proto, config::Errors& errors,
                                               const config::Path& path) {
  return CompileMetrics(proto.lrs_report_endpoint_metrics(), errors,
                        path.Field("lrs_report_endpoint_metrics"));
}

}  // namespace proxenos::upstream
