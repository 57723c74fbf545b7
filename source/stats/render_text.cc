// Envoy's text form of the stats. See render.h.
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/stats/render.h"
#include "source/stats/stat_list.h"

namespace proxenos::stats {
namespace {

// "P50(4,7) P75(...)": of the last interval, and of all.
void AppendSummary(std::string& out, const NamedStat& stat) {
  absl::string_view separator;
  for (const double quantile : DefaultQuantiles()) {
    absl::StrAppend(&out, separator, "P", quantile * 100, "(");
    AppendDouble(out, stat.interval->Quantile(quantile));
    out.push_back(',');
    AppendDouble(out, stat.total->Quantile(quantile));
    out.push_back(')');
    separator = " ";
  }
}

// "B0.5(1,3) B1(...)"
void AppendBuckets(std::string& out, const NamedStat& stat, const RenderOptions& options) {
  const bool disjoint = options.histograms == HistogramView::kDisjoint;
  absl::string_view separator;
  uint64_t interval_before = 0;
  uint64_t total_before = 0;
  for (const double bound : BoundsOf(options, stat.name)) {
    const uint64_t interval = stat.interval->CountAtMost(bound);
    const uint64_t total = stat.total->CountAtMost(bound);
    absl::StrAppend(&out, separator, "B", bound, "(", interval - interval_before, ",",
                    total - total_before, ")");
    if (disjoint) {
      interval_before = interval;
      total_before = total;
    }
    separator = " ";
  }
}

// "4,1:2, 110,10:1": smallest value, width and count of each bucket.
void AppendAllBuckets(std::string& out, const HistogramData& data) {
  absl::string_view separator;
  for (const HistogramData::Bucket& bucket : data.buckets()) {
    const uint64_t width = Buckets::Width(bucket.index);
    absl::StrAppend(&out, separator, Buckets::Upper(bucket.index) - width + 1, ",", width, ":",
                    bucket.count);
    separator = ", ";
  }
}

void AppendHistogram(std::string& out, const NamedStat& stat, const RenderOptions& options) {
  absl::StrAppend(&out, stat.name, ":");
  if (stat.total->empty()) {
    out.append(" No recorded values");
  } else {
    switch (options.histograms) {
      case HistogramView::kSummary:
        out.push_back(' ');
        AppendSummary(out, stat);
        break;
      case HistogramView::kCumulative:
      case HistogramView::kDisjoint:
        out.push_back(' ');
        AppendBuckets(out, stat, options);
        break;
      case HistogramView::kDetailed:
        out.append("\n  totals=");
        AppendAllBuckets(out, *stat.total);
        out.append("\n  intervals=");
        AppendAllBuckets(out, *stat.interval);
        out.append("\n  summary=");
        AppendSummary(out, stat);
        break;
    }
  }
  out.push_back('\n');
}

}  // namespace

std::string RenderText(absl::Span<const ScopeReading> readings, const RenderOptions& options) {
  std::string texts;
  std::string numbers;
  std::string histograms;
  ForEachStatByName(readings, options, [&](const NamedStat& stat) {
    switch (stat.type) {
      case StatType::kTextReadout:
        absl::StrAppend(&texts, stat.name, ": ");
        AppendJsonString(texts, *stat.text);
        texts.push_back('\n');
        break;
      case StatType::kCounter:
      case StatType::kGauge:
        absl::StrAppend(&numbers, stat.name, ": ", stat.value, "\n");
        break;
      case StatType::kHistogram:
        AppendHistogram(histograms, stat, options);
        break;
    }
  });
  texts += numbers;
  texts += histograms;
  return texts;
}

}  // namespace proxenos::stats
