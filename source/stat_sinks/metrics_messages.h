// MetricsMessages: a reading of all stats as messages of envoy.service.metrics.v3.MetricsService
// (StreamMetricsMessage, whose metrics are those of Prometheus's client_model), written straight
// into bytes.
//
// Each stat is a family of its own, as Envoy sends them: named by its full name, or, with its tags
// as labels, by its name without them. Histograms are those of the last interval. Stats that nobody
// ever changed are left out.
// Owner: the sink. Thread: main.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/rpc/wire.h"
#include "source/stat_sinks/counter_deltas.h"
#include "source/stats/reading.h"
#include "source/stats/tag_rules.h"

namespace proxenos::stat_sinks {

// envoy.config.metrics.v3.MetricsServiceConfig, but for where it goes.
struct MetricsOptions {
  bool counters_as_deltas = false;
  bool tags_as_labels = false;
  bool summaries = true;
  bool histograms = true;
  uint32_t batch_size = 0;  // Families of one message; 0: as many as its size allows.
};

class MetricsMessages {
 public:
  // A message is closed once it is so large: receivers refuse more than 4 MiB.
  static constexpr size_t kMessageBytes = size_t{1} << 20;

  // `view` outlives it.
  MetricsMessages(MetricsOptions options, const stats::StatView& view)
      : options_(options), view_(view) {}

  // The messages for what was counted up to `now`, in order, without their identifier.
  std::vector<std::string> Encode(absl::Span<const stats::ScopeReading> readings,
                                  base::WallTime now);

 private:
  struct Batch;

  void AddStat(const stats::ScopeReading& reading, const stats::Stat& stat, Batch& batch);
  void AddFamily(const stats::TaggedStat& name, uint32_t type, absl::string_view value,
                 Batch& batch) const;

  const MetricsOptions options_;
  const stats::StatView& view_;
  CounterDeltas counts_;
};

}  // namespace proxenos::stat_sinks
