// Reports in, weights out.
#include "source/upstream/orca_sink.h"

namespace proxenos::upstream {
namespace {

const OrcaOutOfBand* OutOfBandOf(const OrcaRules& rules) {
  return rules.weighting.has_value() ? rules.weighting->out_of_band.get() : nullptr;
}

}  // namespace

OrcaSink::OrcaSink(const OrcaRules& rules, const LoadMetrics* metrics)
    : rules_(rules),
      out_of_band_(OutOfBandOf(rules)),
      sums_(metrics == nullptr || rules.reported.empty() ? nullptr : metrics->AddPart()) {}

void OrcaSink::Take(uint64_t host, const OrcaReport& report, base::MonoTime now) {
  if (sums_ != nullptr) {
    for (const OrcaMetric& metric : rules_.reported) {
      // What is told out of band is told there; only what a request costs is its response's.
      if (out_of_band_ != nullptr && !metric.of_request()) continue;
      metric.AddTo(*sums_, host, report);
    }
  }
  if (!rules_.weighting.has_value() || out_of_band_ != nullptr) return;
  const std::optional<double> weight = rules_.weighting->WeightOf(report);
  if (weight.has_value()) weights_.Set(host, *weight, now);
}

std::optional<double> OrcaSink::WeightOf(uint64_t host, base::MonoTime now) const {
  const HostWeights& weights = out_of_band_ != nullptr ? *out_of_band_->weights : weights_;
  return weights.Get(host, *rules_.weighting, now);
}

std::unique_ptr<OrcaSink> MakeOrcaSink(const ClusterConfig& config, const ClusterLoad* load) {
  if (config.orca == nullptr) return nullptr;
  const LoadMetrics* metrics = load == nullptr ? nullptr : load->metrics();
  const bool reported = metrics != nullptr && !config.orca->reported.empty();
  if (!reported && !config.orca->weighting.has_value()) return nullptr;
  return std::make_unique<OrcaSink>(*config.orca, metrics);
}

}  // namespace proxenos::upstream
