// CounterDeltas: what counters grew by since they were last asked for.
//
// Owner: what sends deltas. Thread: one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace proxenos::stat_sinks {

class CounterDeltas {
 public:
  // `name`: the counter's full one. The first time it is all of `value`.
  uint64_t Take(const std::string& name, uint64_t value) {
    uint64_t& known = counts_[name];
    const uint64_t since = value < known ? value : value - known;  // Less: it was reset.
    known = value;
    return since;
  }

 private:
  absl::flat_hash_map<std::string, uint64_t> counts_;
};

}  // namespace proxenos::stat_sinks
