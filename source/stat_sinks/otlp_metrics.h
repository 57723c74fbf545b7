// OtlpMetrics: a reading of all stats as messages of OpenTelemetry's metrics service
// (ExportMetricsServiceRequest of opentelemetry-proto v1), written straight into bytes.
//
// Points of one name make one metric. Stats that nobody ever changed are left out, as in Envoy.
// Owner: the sink. Thread: main.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/stat_sinks/counter_deltas.h"
#include "source/stats/reading.h"
#include "source/stats/tag_rules.h"

namespace proxenos::stat_sinks {

// envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig, but for where it goes.
struct OtlpOptions {
  bool counters_as_deltas = false;
  bool histograms_as_deltas = false;
  bool tags_as_attributes = true;
  bool short_names = true;  // Without the parts that are tags.
  std::string prefix = {};  // With its dot.
  uint32_t max_points = 0;  // Of one message; 0: as many as its size allows.
  std::vector<std::pair<std::string, std::string>> resource = {};
};

class OtlpMetrics {
 public:
  // A message is closed once it is so large: receivers refuse more than 4 MiB.
  static constexpr size_t kMessageBytes = size_t{1} << 20;

  // `started`: when counting began. `view` outlives it.
  OtlpMetrics(OtlpOptions options, const stats::StatView& view, base::WallTime started)
      : options_(std::move(options)), view_(view), started_(started), last_(started) {}

  // The messages for what was counted up to `now`, in order.
  std::vector<std::string> Encode(absl::Span<const stats::ScopeReading> readings,
                                  base::WallTime now);

 private:
  enum class Kind : uint8_t { kSum, kGauge, kHistogram };
  using Points = absl::btree_map<std::pair<Kind, std::string>, std::vector<std::string>>;

  void AddPoint(const stats::ScopeReading& reading, const stats::Stat& stat, base::WallTime now,
                Points& points);
  std::vector<std::string> Pack(const Points& points) const;

  const OtlpOptions options_;
  const stats::StatView& view_;
  const base::WallTime started_;
  base::WallTime last_;   // When the last messages were made.
  CounterDeltas counts_;  // With counters_as_deltas.
};

}  // namespace proxenos::stat_sinks
