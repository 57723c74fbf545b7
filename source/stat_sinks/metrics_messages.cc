// Field numbers are those of io/prometheus/client/metrics.proto.
#include "source/stat_sinks/metrics_messages.h"

#include "absl/strings/str_cat.h"
#include "source/stats/render.h"
#include "source/stats/stat_list.h"

namespace proxenos::stat_sinks {
namespace {

using rpc::WireWriter;
using stats::StatType;

// MetricType, and the field of Metric that holds a value of it.
constexpr uint32_t kCounter = 0, kGauge = 1, kSummary = 2, kHistogram = 4;

constexpr uint32_t FieldOf(uint32_t type) {
  return type == kCounter ? 3 : type == kGauge ? 2 : type == kSummary ? 4 : 7;
}

std::string Number(uint64_t value) {
  std::string bytes;
  WireWriter(bytes).Double(1, static_cast<double>(value));
  return bytes;
}

std::string Summary(const stats::HistogramData& data) {
  std::string bytes;
  WireWriter to(bytes);
  to.Number(1, data.count());
  to.Double(2, static_cast<double>(data.sum()));
  for (const double quantile : stats::DefaultQuantiles()) {
    to.Message(3, [quantile, &data](WireWriter& each) {
      each.Double(1, quantile);
      each.Double(2, data.Quantile(quantile));
    });
  }
  return bytes;
}

std::string Histogram(const stats::HistogramData& data, absl::Span<const double> bounds) {
  std::string bytes;
  WireWriter to(bytes);
  to.Number(1, data.count());
  to.Double(2, static_cast<double>(data.sum()));
  for (const double bound : bounds) {
    to.Message(3, [bound, &data](WireWriter& bucket) {
      bucket.Number(1, data.CountAtMost(bound));
      bucket.Double(2, bound);
    });
  }
  return bytes;
}

}  // namespace

// The messages so far, the last of them open.
struct MetricsMessages::Batch {
  uint64_t now_ms;
  std::vector<std::string> messages = {};
  uint32_t families = 0;  // Of the last one.
};

void MetricsMessages::AddFamily(const stats::TaggedStat& name, uint32_t type,
                                absl::string_view value, Batch& batch) const {
  std::string metric;
  WireWriter to(metric);
  const auto label = [&to](const stats::Tag& tag) {
    to.Message(1, [&tag](WireWriter& pair) {
      pair.Text(1, tag.name);
      pair.Text(2, tag.value);
    });
  };
  if (options_.tags_as_labels) {
    for (const stats::Tag& tag : name.tags) label(tag);
    for (const stats::Tag& tag : view_.tags.fixed()) label(tag);
  }
  to.Text(FieldOf(type), value);
  to.Number(6, batch.now_ms);
  const bool full = batch.messages.empty() || batch.messages.back().size() >= kMessageBytes ||
                    (options_.batch_size != 0 && batch.families >= options_.batch_size);
  if (full) {
    batch.messages.emplace_back();
    batch.families = 0;
  }
  ++batch.families;
  WireWriter(batch.messages.back()).Message(2, [&name, type, &metric](WireWriter& family) {
    family.Text(1, name.family);
    family.Number(3, type);
    family.Text(4, metric);
  });
}

void MetricsMessages::AddStat(const stats::ScopeReading& reading, const stats::Stat& stat,
                              Batch& batch) {
  if (!stat.used || stat.type == StatType::kTextReadout) return;
  std::string full = absl::StrCat(reading.name.prefix(), stat.name);
  if (view_.exists != nullptr && !view_.exists(full)) return;
  const bool delta = stat.type == StatType::kCounter && options_.counters_as_deltas;
  const uint64_t value = delta ? counts_.Take(full, stat.value) : stat.value;
  const bool as_buckets = stat.type == StatType::kHistogram && options_.histograms;
  const absl::Span<const double> bounds =
      as_buckets ? view_.buckets.BoundsOf(full) : absl::Span<const double>();
  const stats::TaggedStat name = options_.tags_as_labels ? view_.tags.Take(reading.name, stat)
                                                         : stats::TaggedStat{std::move(full), {}};
  if (stat.type != StatType::kHistogram) {
    const uint32_t type = stat.type == StatType::kCounter ? kCounter : kGauge;
    return AddFamily(name, type, Number(value), batch);
  }
  if (options_.summaries) AddFamily(name, kSummary, Summary(*stat.interval), batch);
  if (as_buckets) AddFamily(name, kHistogram, Histogram(*stat.interval, bounds), batch);
}

std::vector<std::string> MetricsMessages::Encode(absl::Span<const stats::ScopeReading> readings,
                                                 base::WallTime now) {
  Batch batch{static_cast<uint64_t>(now) / 1000};
  for (const stats::ScopeReading& reading : readings) {
    for (uint32_t spec = 0; spec < reading.schema->stats.size(); ++spec) {
      stats::ForEachStat(reading, spec, [this, &reading, &batch](const stats::Stat& stat) {
        AddStat(reading, stat, batch);
      });
    }
  }
  return std::move(batch.messages);
}

}  // namespace proxenos::stat_sinks
