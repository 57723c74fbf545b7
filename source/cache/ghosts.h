// Ghosts: which URLs were evicted lately, by their hashes alone: one that is asked for again was
// evicted too early.
//
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace proxenos::cache {

class Ghosts {
 public:
  // Remembers it; forgets the oldest when there are kMost.
  void Add(uint64_t hash) {
    if (ring_.size() < kMost) {
      ring_.push_back(hash);
    } else {
      Forget(ring_[next_]);
      ring_[next_] = hash;
    }
    next_ = (next_ + 1) % kMost;
    ++counts_[hash];
  }
  // Whether it is remembered.
  bool Has(uint64_t hash) const { return counts_.contains(hash); }

 private:
  static constexpr size_t kMost = 4096;
  void Forget(uint64_t hash) {
    const auto it = counts_.find(hash);
    if (it != counts_.end() && --it->second == 0) counts_.erase(it);
  }

  std::vector<uint64_t> ring_;
  size_t next_ = 0;
  absl::flat_hash_map<uint64_t, uint32_t> counts_;
};

}  // namespace proxenos::cache
