// ListIndex: which predicates of a long list may hold, without asking each: those that want an
// input to be, or to begin with, a certain text are looked up by it. The others are always asked.
//
// Thread: any, once built.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "source/match/predicate.h"
#include "source/match/reading.h"

namespace proxenos::match {

class ListIndex {
 public:
  struct Candidate {
    uint32_t entry = 0;
    bool decided = false;  // It holds.
  };
  using Candidates = absl::InlinedVector<Candidate, 16>;

  // In ascending order of entries.
  void Add(uint32_t entry, const Predicate& predicate);

  // Every entry that may hold, ascending. False: an input that it needs is still to come.
  bool Find(ReadInput read, Candidates& found) const;

 private:
  // Keys of one input and one way to compare.
  struct Table {
    uint32_t input = 0;
    bool prefix = false;
    bool fold = false;
    absl::flat_hash_map<std::string, std::vector<Candidate>> entries;
    std::vector<size_t> lengths;  // Of prefixes that occur.

    void Find(absl::string_view text, Candidates& found) const;
  };

  Table& TableOf(const Predicate::Key& key);

  std::vector<Table> tables_;  // Ascending by input.
  std::vector<uint32_t> others_;
};

}  // namespace proxenos::match
