// StatsdLines: a reading of all stats as lines of statsd's protocol ("name:value|type"), in plain
// statsd's form or with the tags of DogStatsD or Graphite.
//
// Counters are what came since the last reading. A histogram is a line for each bucket of its last
// interval, whose "@rate" says how many values it stands for: so an interval's lines are bounded,
// however many values there were. Stats that nobody ever changed are left out, as in Envoy.
// Owner: the sink. Thread: main.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/stat_sinks/counter_deltas.h"
#include "source/stats/reading.h"
#include "source/stats/tag_rules.h"

namespace proxenos::stat_sinks {

enum class StatsdForm : uint8_t {
  kPlain,     // prefix.cluster.web.upstream_rq_total:1|c
  kDog,       // prefix.cluster.upstream_rq_total:1|c|#envoy.cluster_name:web
  kGraphite,  // prefix.cluster.upstream_rq_total;envoy.cluster_name=web:1|c
};

class StatsdLines {
 public:
  // `prefix` without its dot. `view` outlives it.
  StatsdLines(StatsdForm form, std::string prefix, const stats::StatView& view)
      : form_(form), prefix_(std::move(prefix)), view_(view) {}

  // Calls `take` with each line, without its line feed. It lives during the call.
  void Encode(absl::Span<const stats::ScopeReading> readings,
              absl::FunctionRef<void(absl::string_view)> take);

 private:
  using Take = absl::FunctionRef<void(absl::string_view)>;

  void AddStat(const stats::ScopeReading& reading, const stats::Stat& stat, Take take);
  void AddHistogram(const stats::HistogramData& data, Take take);
  // "head value | type [ |@rate ] tail"
  void AddLine(uint64_t value, absl::string_view type, uint64_t count, Take take);
  void SetName(const stats::ScopeReading& reading, const stats::Stat& stat,
               const std::string& name);

  const StatsdForm form_;
  const std::string prefix_;
  const stats::StatView& view_;
  CounterDeltas counts_;
  // Of the stat at hand.
  std::string head_;  // Up to the colon.
  std::string tail_;  // What stands behind the type.
  std::string line_;
};

}  // namespace proxenos::stat_sinks
