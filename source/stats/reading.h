// StatValues and ScopeReading: what a reader makes of a scope's groups, as plain values.
//
// Invariant: no reading refers to a worker's memory; it stays good after the scope is gone.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "source/stats/histogram.h"
#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// Sums over any number of groups of one schema. `stat` is an index into Schema::stats.
struct StatValues {
  struct Code {
    uint32_t stat;
    uint32_t status;
    uint64_t count;
  };
  struct Distribution {
    uint32_t stat;
    HistogramData data;
  };
  struct Text {
    uint32_t stat;
    std::string text;
  };

  explicit StatValues(const Schema& schema)
      : values(schema.stats.size()), used(schema.stats.size()) {}

  // Adds what a group's struct holds now. Of a group that is about to die, gauges are left out:
  // what it was gauging dies with it.
  enum class Part : uint8_t { kAll, kAllButGauges };
  void AddBlock(const Schema& schema, const void* block, Part part);
  void Add(const StatValues& other);

  void AddCode(uint32_t stat, uint32_t status, uint64_t count);
  const HistogramData* Find(uint32_t stat) const;

  std::vector<uint64_t> values;          // counters and gauges, by stat
  std::vector<bool> used;                // was ever changed, by stat
  std::vector<Code> codes;               // by rising (stat, status)
  std::vector<Distribution> histograms;  // those with a value, by rising stat
  std::vector<Text> texts;               // those that were set, by rising stat
};

struct ScopeReading {
  ScopeName name;
  const Schema* schema;
  StatValues total;
  // What was recorded between the last two calls of Registry::FlushIntervals.
  std::vector<StatValues::Distribution> intervals;
};

}  // namespace proxenos::stats
