// Reports in, weights out.
#include "source/upstream/orca_sink.h"

#include "absl/container/flat_hash_set.h"

namespace proxenos::upstream {

OrcaSink::OrcaSink(const OrcaRules& rules, const LoadMetrics* metrics)
    : rules_(rules),
      sums_(metrics == nullptr || rules.reported.empty() ? nullptr : metrics->AddPart()) {}

void OrcaSink::Take(uint64_t host, const OrcaReport& report, base::MonoTime now) {
  if (sums_ != nullptr) {
    for (const OrcaMetric& metric : rules_.reported) {
      metric.Visit(report, [this, host](absl::string_view name, double value) {
        sums_->Add(host, name, value);
      });
    }
  }
  if (!rules_.weighting.has_value()) return;
  const std::optional<double> weight = rules_.weighting->WeightOf(report);
  if (!weight.has_value()) return;
  Weight& known = weights_[host];
  known.weight = *weight;
  known.updated = now;
  if (known.since == 0) known.since = now;
}

std::optional<double> OrcaSink::WeightOf(uint64_t host, base::MonoTime now) {
  const auto found = weights_.find(host);
  if (found == weights_.end()) return std::nullopt;
  Weight& known = found->second;
  if (now - known.updated > rules_.weighting->expiration_period) {
    known.since = 0;  // If reports come again, they have to come for a while.
    return std::nullopt;
  }
  if (known.since == 0 || now - known.since < rules_.weighting->blackout_period) {
    return std::nullopt;
  }
  return known.weight;
}

void OrcaSink::Keep(const HostSet& hosts) {
  if (weights_.empty()) return;
  absl::flat_hash_set<uint64_t> present;
  present.reserve(hosts.size());
  for (const HostEntry& entry : hosts.entries()) present.insert(entry.host->id());
  absl::erase_if(weights_, [&present](const auto& each) { return !present.contains(each.first); });
}

std::unique_ptr<OrcaSink> MakeOrcaSink(const ClusterConfig& config, const ClusterLoad* load) {
  if (config.orca == nullptr) return nullptr;
  const LoadMetrics* metrics = load == nullptr ? nullptr : load->metrics();
  const bool reported = metrics != nullptr && !config.orca->reported.empty();
  if (!reported && !config.orca->weighting.has_value()) return nullptr;
  return std::make_unique<OrcaSink>(*config.orca, metrics);
}

}  // namespace proxenos::upstream
