// OrcaRules: what a cluster reads from the reports of its hosts:
// Cluster.lrs_report_endpoint_metrics and the policy ClientSideWeightedRoundRobin.
//
// Invariant: immutable once compiled. A cluster without them does not look for reports at all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/upstream/host_weights.h"
#include "source/upstream/load_metrics.h"
#include "source/upstream/orca_report.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// One metric as configuration names it ("cpu_utilization", "named_metrics.queue"), or all of a map
// ("named_metrics.*").
class OrcaMetric {
 public:
  // Nothing: no report has a metric of that name.
  static std::optional<OrcaMetric> Named(absl::string_view name);

  // Calls `visit` with each metric of the report that this means, by its whole name. O(entries).
  void Visit(const OrcaReport& report,
             absl::FunctionRef<void(absl::string_view name, double value)> visit) const;
  // The same, into the sums of a host.
  void AddTo(const LoadMetrics::Part& sums, uint64_t host, const OrcaReport& report) const;

  // Told of one request, not of the host.
  bool of_request() const { return field_ == nullptr && map_ == OrcaReport::Map::kRequestCost; }

 private:
  OrcaMetric() = default;

  std::string name_;
  double OrcaReport::*field_ = nullptr;  // Null: an entry of map_.
  OrcaReport::Map map_ = OrcaReport::Map::kNamedMetrics;
  std::string key_;  // Empty: all of them.
};

// enable_oob_load_report: hosts are asked for reports, in place of those in their responses.
struct OrcaOutOfBand {
  base::Nanos period = 10 * base::kSecond;    // More than 0.
  uint16_t port = 0;                          // 0: the host's.
  std::string authority;                      // Empty: the host's name, or its address.
  std::optional<FlatStruct> transport_match;  // Nothing: the host's.
  // What they said; written by the main thread, read by workers.
  std::shared_ptr<const HostWeights> weights;
};

// Of ClientSideWeightedRoundRobin.
struct OrcaWeighting {
  static constexpr base::Nanos kLeastUpdatePeriod = 100 * base::kMillisecond;

  base::Nanos blackout_period = 10 * base::kSecond;
  base::Nanos expiration_period = 180 * base::kSecond;
  base::Nanos update_period = base::kSecond;
  double error_penalty = 1;
  std::vector<OrcaMetric> utilization;               // The greatest counts.
  std::shared_ptr<const OrcaOutOfBand> out_of_band;  // Null: reports come with responses.

  // What the host's share should be in proportion to; nothing where the report does not say. In
  // 1 … UINT32_MAX.
  std::optional<double> WeightOf(const OrcaReport& report) const;
};

struct OrcaRules {
  std::vector<OrcaMetric> reported;        // lrs_report_endpoint_metrics
  std::optional<OrcaWeighting> weighting;  // Nothing: reports decide on no share.
};

}  // namespace proxenos::upstream
