// Rendering: a registry's readings as Envoy's text, its JSON, or Prometheus's text.
//
// Invariant: pure functions of the readings; the cost is in proportion to the stats shown, but for
// a sort.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/stats/reading.h"

namespace proxenos::stats {
class BucketRules;
class TagRules;
}  // namespace proxenos::stats

namespace proxenos::stats {

// Counters include response codes.
enum class StatType : uint8_t { kCounter, kGauge, kHistogram, kTextReadout };

// How text and JSON show a histogram.
enum class HistogramView : uint8_t {
  kSummary,     // quantiles
  kCumulative,  // counts up to each of the default bounds
  kDisjoint,    // counts between them
  kDetailed,    // every bucket that is not empty, and the quantiles
};

struct RenderOptions {
  bool used_only = false;
  // Null: all names. Called with the full dotted name.
  absl::AnyInvocable<bool(absl::string_view) const> accepts;
  std::optional<StatType> type;
  HistogramView histograms = HistogramView::kSummary;
  // Bounds of buckets; null: DefaultBounds() for all.
  const BucketRules* buckets = nullptr;
};

// Whether a scope may have a stat that the options show.
bool MayShow(const RenderOptions& options, const ScopeName& scope, const Schema& schema);

// `name: value` a line: text readouts, then counters and gauges, then histograms, each by name.
std::string RenderText(absl::Span<const ScopeReading> readings, const RenderOptions& options);

// {"stats":[{"name":..,"value":..},..,{"histograms":..}]} in the same order.
std::string RenderJson(absl::Span<const ScopeReading> readings, const RenderOptions& options);

struct PrometheusOptions {
  RenderOptions common;  // its HistogramView is not looked at
  // Histograms as summaries: the quantiles of the last interval instead of buckets.
  bool summaries = false;
  // Shows each text readout as a gauge of value zero with the text as a label.
  bool text_readouts = false;
  // How names come apart; null: as they do by default.
  const TagRules* tags = nullptr;
};

// The text exposition format: counters, gauges, text readouts, histograms, each by family.
std::string RenderPrometheus(absl::Span<const ScopeReading> readings,
                             const PrometheusOptions& options);

// The bounds of kCumulative, kDisjoint and Prometheus's buckets where no rule has others, and the
// quantiles of a summary.
absl::Span<const double> DefaultBounds();
absl::Span<const double> DefaultQuantiles();

}  // namespace proxenos::stats
