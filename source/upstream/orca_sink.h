// OrcaSink: what one worker makes of the reports that a cluster's hosts send with their responses:
// the weights that they ask for, and the sums that load reports tell of.
//
// Weights are those of the reports that came to this worker. It keeps them by host, so that new
// snapshots of hosts change none. With reports out of band (OrcaOutOfBand) weights come from there.
//
// Owner: the worker's cluster. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/base/clock.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"
#include "source/upstream/host_weights.h"
#include "source/upstream/load_counts.h"
#include "source/upstream/load_metrics.h"
#include "source/upstream/orca_report.h"
#include "source/upstream/orca_rules.h"

namespace proxenos::upstream {

class OrcaSink {
 public:
  // `rules` outlives it. `metrics` is null where load is not reported.
  OrcaSink(const OrcaRules& rules, const LoadMetrics* metrics);
  OrcaSink(const OrcaSink&) = delete;
  OrcaSink& operator=(const OrcaSink&) = delete;

  // The host, by Host::id(), sent that with a response.
  void Take(uint64_t host, const OrcaReport& report, base::MonoTime now);

  // The weight that its reports ask for; nothing while they are too new or too old to count.
  std::optional<double> WeightOf(uint64_t host, base::MonoTime now) const;

  // Lets go of hosts that are not among these.
  void Keep(const HostSet& hosts) { weights_.Keep(hosts); }

  const OrcaRules& rules() const { return rules_; }

 private:
  const OrcaRules& rules_;
  const OrcaOutOfBand* const out_of_band_;               // Null: reports come with responses.
  const std::shared_ptr<const LoadMetrics::Part> sums_;  // Null: no metric is reported.
  const HostWeights weights_;
};

// Null where nobody would make anything of reports. `load` is null where load is not reported.
std::unique_ptr<OrcaSink> MakeOrcaSink(const ClusterConfig& config, const ClusterLoad* load);

}  // namespace proxenos::upstream
