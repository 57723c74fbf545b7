// Field numbers are those of opentelemetry/proto/metrics/v1/metrics.proto.
#include "source/stat_sinks/otlp_metrics.h"

#include "absl/strings/str_cat.h"
#include "source/rpc/wire.h"
#include "source/stats/render.h"
#include "source/stats/stat_list.h"

namespace proxenos::stat_sinks {
namespace {

using rpc::WireWriter;
using stats::StatType;

constexpr uint64_t kDelta = 1;  // AggregationTemporality
constexpr uint64_t kCumulative = 2;

uint64_t UnixNanos(base::WallTime time) { return static_cast<uint64_t>(time) * 1000; }

void AddAttribute(WireWriter& to, uint32_t field, absl::string_view key, absl::string_view value) {
  to.Message(field, [key, value](WireWriter& pair) {
    pair.Text(1, key);
    pair.Message(2, [value](WireWriter& any) { any.Text(1, value); });
  });
}

void AppendFixed(std::string& to, uint64_t bits) {
  for (int i = 0; i < 8; ++i) to += static_cast<char>(bits >> (8 * i));
}

void FillHistogram(WireWriter& point, const stats::HistogramData& data,
                   absl::Span<const double> limits) {
  point.Fixed(4, data.count());
  point.Double(5, static_cast<double>(data.sum()));
  std::string counts;
  std::string bounds;
  uint64_t below = 0;
  for (const double bound : limits) {
    const uint64_t up_to = data.CountAtMost(bound);
    AppendFixed(counts, up_to - below);
    below = up_to;
    std::string field;
    WireWriter(field).Double(1, bound);
    bounds.append(field, 1);  // Without its tag: the list is packed.
  }
  AppendFixed(counts, data.count() - below);
  point.Text(6, counts);
  point.Text(7, bounds);
}

}  // namespace

void OtlpMetrics::AddPoint(const stats::ScopeReading& reading, const stats::Stat& stat,
                           base::WallTime now, Points& points) {
  if (!stat.used || stat.type == StatType::kTextReadout) return;
  std::string name = absl::StrCat(reading.name.prefix(), stat.name);
  if (view_.exists != nullptr && !view_.exists(name)) return;
  const Kind kind = stat.type == StatType::kCounter ? Kind::kSum
                    : stat.type == StatType::kGauge ? Kind::kGauge
                                                    : Kind::kHistogram;
  const bool delta =
      kind == Kind::kHistogram ? options_.histograms_as_deltas : options_.counters_as_deltas;
  const stats::TaggedStat tagged = view_.tags.Take(reading.name, stat);
  std::string bytes;
  WireWriter point(bytes);
  if (kind != Kind::kGauge) point.Fixed(2, UnixNanos(delta ? last_ : started_));
  point.Fixed(3, UnixNanos(now));
  if (kind == Kind::kHistogram) {
    FillHistogram(point, delta ? *stat.interval : *stat.total, view_.buckets.BoundsOf(name));
  } else {
    const bool since = kind == Kind::kSum && delta;
    point.Fixed(6, since ? counts_.Take(name, stat.value) : stat.value);
  }
  if (options_.tags_as_attributes) {
    const uint32_t field = kind == Kind::kHistogram ? 9 : 7;
    for (const stats::Tag& tag : tagged.tags) AddAttribute(point, field, tag.name, tag.value);
    for (const stats::Tag& tag : view_.tags.fixed()) {
      AddAttribute(point, field, tag.name, tag.value);
    }
  }
  points[{kind, absl::StrCat(options_.prefix, options_.short_names ? tagged.family : name)}]
      .push_back(std::move(bytes));
}

std::vector<std::string> OtlpMetrics::Pack(const Points& points) const {
  std::vector<std::string> messages;
  std::string metrics;  // Fields 2 of ScopeMetrics.
  uint32_t count = 0;
  const auto close = [this, &count, &messages, &metrics] {
    if (count == 0) return;
    std::string message;
    WireWriter(message).Message(1, [this, &metrics](WireWriter& resource_metrics) {
      resource_metrics.Message(1, [this](WireWriter& resource) {
        for (const auto& [key, value] : options_.resource) AddAttribute(resource, 1, key, value);
      });
      resource_metrics.Text(2, metrics);
    });
    messages.push_back(std::move(message));
    metrics.clear();
    count = 0;
  };
  for (const auto& [key, each] : points) {
    const auto& [kind, name] = key;
    for (size_t at = 0; at < each.size();) {
      std::string data;
      WireWriter writer(data);
      const auto full = [this, &metrics, &data, &count] {
        return metrics.size() + data.size() >= kMessageBytes ||
               (options_.max_points != 0 && count >= options_.max_points);
      };
      for (; at < each.size() && !full(); ++at, ++count) writer.Text(1, each[at]);
      const bool close_behind = full();
      if (!data.empty()) {
        const bool delta =
            kind == Kind::kSum ? options_.counters_as_deltas : options_.histograms_as_deltas;
        if (kind != Kind::kGauge) writer.Number(2, delta ? kDelta : kCumulative);
        if (kind == Kind::kSum) writer.Flag(3, true);
        const uint32_t field = kind == Kind::kGauge ? 5 : kind == Kind::kSum ? 7 : 9;
        std::string metric;
        WireWriter(metric).Text(1, name);
        WireWriter(metric).Text(field, data);
        WireWriter(metrics).Text(2, metric);
      }
      if (close_behind) close();
    }
  }
  close();
  return messages;
}

std::vector<std::string> OtlpMetrics::Encode(absl::Span<const stats::ScopeReading> readings,
                                             base::WallTime now) {
  Points points;
  for (const stats::ScopeReading& reading : readings) {
    for (uint32_t spec = 0; spec < reading.schema->stats.size(); ++spec) {
      stats::ForEachStat(reading, spec,
                         [&](const stats::Stat& stat) { AddPoint(reading, stat, now, points); });
    }
  }
  last_ = now;
  return Pack(points);
}

}  // namespace proxenos::stat_sinks
