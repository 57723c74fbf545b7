// Names of metrics, and what a report is worth.
#include "source/upstream/orca_rules.h"

#include <algorithm>

#include "absl/strings/strip.h"

namespace proxenos::upstream {
namespace {

struct FieldName {
  absl::string_view name;
  double OrcaReport::*field;
};
constexpr FieldName kFields[] = {
    {"cpu_utilization", &OrcaReport::cpu_utilization},
    {"mem_utilization", &OrcaReport::mem_utilization},
    {"application_utilization", &OrcaReport::application_utilization},
    {"eps", &OrcaReport::eps},
    {"rps_fractional", &OrcaReport::rps_fractional},
};

struct MapPrefix {
  absl::string_view prefix;
  OrcaReport::Map map;
};
constexpr MapPrefix kMaps[] = {
    {"named_metrics.", OrcaReport::Map::kNamedMetrics},
    {"utilization.", OrcaReport::Map::kUtilization},
    {"request_cost.", OrcaReport::Map::kRequestCost},
};

}  // namespace

std::optional<OrcaMetric> OrcaMetric::Named(absl::string_view name) {
  OrcaMetric metric;
  metric.name_ = std::string(name);
  for (const FieldName& field : kFields) {
    if (field.name != name) continue;
    metric.field_ = field.field;
    return metric;
  }
  for (const MapPrefix& map : kMaps) {
    absl::string_view key = name;
    if (!absl::ConsumePrefix(&key, map.prefix) || key.empty()) continue;
    metric.map_ = map.map;
    if (key == "*") {
      metric.name_.pop_back();
    } else {
      metric.key_ = std::string(key);
    }
    return metric;
  }
  return std::nullopt;
}

void OrcaMetric::Visit(const OrcaReport& report,
                       absl::FunctionRef<void(absl::string_view name, double value)> visit) const {
  if (field_ != nullptr) return visit(name_, report.*field_);
  for (const OrcaReport::Entry& entry : report.entries) {
    if (entry.map != map_) continue;
    if (key_.empty()) {
      std::string name = name_;
      name.append(entry.key);
      visit(name, entry.value);
    } else if (entry.key == key_) {
      visit(name_, entry.value);
    }
  }
}

void OrcaMetric::AddTo(const LoadMetrics::Part& sums, uint64_t host,
                       const OrcaReport& report) const {
  Visit(report,
        [&sums, host](absl::string_view name, double value) { sums.Add(host, name, value); });
}

std::optional<double> OrcaWeighting::WeightOf(const OrcaReport& report) const {
  const double qps = report.rps_fractional;
  if (qps <= 0) return std::nullopt;
  double most = 0;
  for (const OrcaMetric& metric : utilization) {
    metric.Visit(report,
                 [&most](absl::string_view, double value) { most = std::max(most, value); });
  }
  if (most <= 0) most = report.application_utilization;
  if (most <= 0) most = report.cpu_utilization;
  most += error_penalty * report.eps / qps;
  if (!(most > 0)) return std::nullopt;
  return std::clamp(qps / most, 1.0, static_cast<double>(UINT32_MAX));
}

}  // namespace proxenos::upstream
