// StatValues: summing groups. See reading.h.
#include "source/stats/reading.h"

#include <algorithm>

namespace proxenos::stats {
namespace {

void AddDistribution(std::vector<StatValues::Distribution>& to, uint32_t stat,
                     const HistogramData& data) {
  if (data.empty()) return;
  auto place = std::lower_bound(
      to.begin(), to.end(), stat,
      [](const StatValues::Distribution& entry, uint32_t wanted) { return entry.stat < wanted; });
  if (place == to.end() || place->stat != stat) place = to.insert(place, {stat, {}});
  place->data.Add(data);
}

}  // namespace

void StatValues::AddBlock(const Schema& schema, const void* block, Part part) {
  for (uint32_t i = 0; i < schema.stats.size(); ++i) {
    const StatSpec& spec = schema.stats[i];
    switch (spec.kind) {
      case Kind::kCounter: {
        const uint64_t value = StatAt<Counter>(block, spec).value();
        values[i] += value;
        used[i] = used[i] || value != 0;
        break;
      }
      case Kind::kGauge: {
        const auto& gauge = StatAt<Gauge>(block, spec);
        if (part == Part::kAll) values[i] += gauge.value();
        used[i] = used[i] || gauge.used();
        break;
      }
      case Kind::kHistogram: {
        HistogramData data;
        data.Add(StatAt<Histogram>(block, spec));
        AddDistribution(histograms, i, data);
        break;
      }
      case Kind::kResponseCodes:
        for (const auto& [status, count] : StatAt<ResponseCodes>(block, spec).Read()) {
          AddCode(i, status, count);
        }
        break;
      case Kind::kTextReadout: {
        const auto& readout = StatAt<TextReadout>(block, spec);
        if (part == Part::kAll && readout.used()) texts.push_back({i, readout.text()});
        break;
      }
    }
  }
}

void StatValues::Add(const StatValues& other) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] += other.values[i];
    used[i] = used[i] || other.used[i];
  }
  for (const Code& code : other.codes) AddCode(code.stat, code.status, code.count);
  for (const Distribution& entry : other.histograms) {
    AddDistribution(histograms, entry.stat, entry.data);
  }
}

void StatValues::AddCode(uint32_t stat, uint32_t status, uint64_t count) {
  const auto place =
      std::lower_bound(codes.begin(), codes.end(), std::pair(stat, status),
                       [](const Code& entry, const std::pair<uint32_t, uint32_t>& wanted) {
                         return std::pair(entry.stat, entry.status) < wanted;
                       });
  if (place != codes.end() && place->stat == stat && place->status == status) {
    place->count += count;
  } else {
    codes.insert(place, {stat, status, count});
  }
}

const HistogramData* StatValues::Find(uint32_t stat) const {
  for (const Distribution& entry : histograms) {
    if (entry.stat == stat) return &entry.data;
  }
  return nullptr;
}

}  // namespace proxenos::stats
