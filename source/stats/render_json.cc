// Envoy's JSON form of the stats. See render.h.
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/stats/render.h"
#include "source/stats/stat_list.h"

namespace proxenos::stats {
namespace {

void AppendNumberOrNull(std::string& out, double value) {
  if (std::isnan(value)) {
    out.append("null");
  } else {
    AppendDouble(out, value);
  }
}

void AppendQuantileNames(std::string& out) {
  absl::string_view separator;
  out.push_back('[');
  for (const double quantile : DefaultQuantiles()) {
    absl::StrAppend(&out, separator, quantile * 100);
    separator = ",";
  }
  out.push_back(']');
}

void AppendQuantiles(std::string& out, const NamedStat& stat) {
  absl::string_view separator;
  out.push_back('[');
  for (const double quantile : DefaultQuantiles()) {
    absl::StrAppend(&out, separator, "{\"cumulative\":");
    AppendNumberOrNull(out, stat.total->Quantile(quantile));
    out.append(",\"interval\":");
    AppendNumberOrNull(out, stat.interval->Quantile(quantile));
    out.push_back('}');
    separator = ",";
  }
  out.push_back(']');
}

void AppendBuckets(std::string& out, const NamedStat& stat, const RenderOptions& options) {
  const bool disjoint = options.histograms == HistogramView::kDisjoint;
  absl::string_view separator;
  uint64_t interval_before = 0;
  uint64_t total_before = 0;
  out.push_back('[');
  for (const double bound : BoundsOf(options, stat.name)) {
    const uint64_t interval = stat.interval->CountAtMost(bound);
    const uint64_t total = stat.total->CountAtMost(bound);
    absl::StrAppend(&out, separator, "{\"upper_bound\":");
    AppendDouble(out, bound);
    absl::StrAppend(&out, ",\"interval\":", interval - interval_before,
                    ",\"cumulative\":", total - total_before, "}");
    if (disjoint) {
      interval_before = interval;
      total_before = total;
    }
    separator = ",";
  }
  out.push_back(']');
}

void AppendAllBuckets(std::string& out, const HistogramData& data) {
  absl::string_view separator;
  out.push_back('[');
  for (const HistogramData::Bucket& bucket : data.buckets()) {
    const uint64_t width = Buckets::Width(bucket.index);
    absl::StrAppend(&out, separator, "{\"lower_bound\":", Buckets::Upper(bucket.index) - width + 1,
                    ",\"width\":", width, ",\"count\":", bucket.count, "}");
    separator = ",";
  }
  out.push_back(']');
}

void AppendHistogram(std::string& out, const NamedStat& stat, const RenderOptions& options) {
  if (!out.empty()) out.push_back(',');
  out.append("{\"name\":");
  AppendJsonString(out, stat.name);
  switch (options.histograms) {
    case HistogramView::kSummary:
      out.append(",\"values\":");
      AppendQuantiles(out, stat);
      break;
    case HistogramView::kCumulative:
    case HistogramView::kDisjoint:
      out.append(",\"buckets\":");
      AppendBuckets(out, stat, options);
      break;
    case HistogramView::kDetailed:
      out.append(",\"totals\":");
      AppendAllBuckets(out, *stat.total);
      out.append(",\"intervals\":");
      AppendAllBuckets(out, *stat.interval);
      out.append(",\"percentiles\":");
      AppendQuantiles(out, stat);
      break;
  }
  out.push_back('}');
}

void AppendHistogramSection(std::string& out, const std::string& histograms, HistogramView view) {
  out.append("{\"histograms\":");
  switch (view) {
    case HistogramView::kSummary:
      out.append("{\"supported_quantiles\":");
      AppendQuantileNames(out);
      absl::StrAppend(&out, ",\"computed_quantiles\":[", histograms, "]}");
      break;
    case HistogramView::kCumulative:
    case HistogramView::kDisjoint:
      absl::StrAppend(&out, "[", histograms, "]");
      break;
    case HistogramView::kDetailed:
      out.append("{\"supported_percentiles\":");
      AppendQuantileNames(out);
      absl::StrAppend(&out, ",\"details\":[", histograms, "]}");
      break;
  }
  out.push_back('}');
}

void AppendEntry(std::string& out, absl::string_view name, absl::string_view value) {
  if (!out.empty()) out.push_back(',');
  out.append("{\"name\":");
  AppendJsonString(out, name);
  absl::StrAppend(&out, ",\"value\":", value, "}");
}

}  // namespace

std::string RenderJson(absl::Span<const ScopeReading> readings, const RenderOptions& options) {
  std::string texts;
  std::string numbers;
  std::string histograms;
  ForEachStatByName(readings, options, [&](const NamedStat& stat) {
    switch (stat.type) {
      case StatType::kTextReadout: {
        std::string value;
        AppendJsonString(value, *stat.text);
        AppendEntry(texts, stat.name, value);
        break;
      }
      case StatType::kCounter:
      case StatType::kGauge:
        AppendEntry(numbers, stat.name, absl::StrCat(stat.value));
        break;
      case StatType::kHistogram:
        AppendHistogram(histograms, stat, options);
        break;
    }
  });
  std::string out = "{\"stats\":[";
  out += texts;
  if (!texts.empty() && !numbers.empty()) out.push_back(',');
  out += numbers;
  if (!histograms.empty()) {
    if (!texts.empty() || !numbers.empty()) out.push_back(',');
    AppendHistogramSection(out, histograms, options.histograms);
  }
  out.append("]}");
  return out;
}

}  // namespace proxenos::stats
