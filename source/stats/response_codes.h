// ResponseCodes: one count for each HTTP status seen, and with it the classes and the total.
//
// A schema's entry `upstream_rq` of this kind shows as `upstream_rq_503`, `upstream_rq_5xx` and
// `upstream_rq_completed`: the last two are sums made at read time, so they cannot disagree.
//
// Invariant: written by one thread, read by any; cells are only ever appended, at most one for each
// status of 100 to 599 and one for everything else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "source/stats/counter.h"

namespace proxenos::stats {

class ResponseCodes {
 public:
  // A status outside 100..599 counts here: it is part of the total only.
  static constexpr uint32_t kOther = 0;

  ResponseCodes() = default;
  ResponseCodes(const ResponseCodes&) = delete;
  ResponseCodes& operator=(const ResponseCodes&) = delete;
  ~ResponseCodes();

  // Costs a scan of the statuses seen so far, in the order of their first appearance.
  void Inc(uint32_t status);

  // Each status and its count, in no order.
  std::vector<std::pair<uint32_t, uint64_t>> Read() const;

 private:
  static constexpr size_t kPerBlock = 5;
  struct Block {
    // Zero: the cell is free. Holds status + 1, so that kOther has a number too.
    std::atomic<uint16_t> keys[kPerBlock] = {};
    Counter counts[kPerBlock];
    std::atomic<Block*> next{nullptr};
  };

  // A chain, as a reader may walk it while the writer appends.
  std::atomic<Block*> first_{nullptr};
};

}  // namespace proxenos::stats
