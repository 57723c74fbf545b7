// HashTable: from the hash of a request to a host, so that the same request goes to the same host
// as long as that is there: Ketama's ring, or Maglev's table (Eisenbud et al., NSDI 2016).
//
// Built once on the main thread and shared by all workers. With equal hosts and weights it is what
// Envoy builds: both send the same hash to the same host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/upstream/balancing.h"

namespace proxenos::upstream {

// Immutable. Thread: any.
class HashTable {
 public:
  struct Member {
    uint32_t host = 0;  // Dense index into the HostSet.
    double weight = 1;
    std::string key;  // What the host is hashed by.

    friend bool operator==(const Member&, const Member&) = default;
  };

  // REQUIRES: `members` is not empty, every weight > 0.
  HashTable(const HashOptions& options, std::vector<Member> members);

  // The host for `hash`; with a higher `attempt` probably another. O(log size) on a ring, else
  // O(1).
  uint32_t Pick(uint64_t hash, uint32_t attempt) const;

  // What it was built of: a table of the same may be used in its place.
  bool BuiltOf(const HashOptions& options, absl::Span<const Member> members) const;

  absl::Span<const Member> members() const { return members_; }

  // Places; of the ring, or of the table.
  size_t size() const { return options_.ring ? ring_.size() : table_.size(); }

 private:
  struct Point {
    uint64_t hash;
    uint32_t host;
  };

  void BuildRing();
  void BuildMaglev();
  uint64_t Hash(absl::string_view text) const;

  const HashOptions options_;
  const std::vector<Member> members_;
  std::vector<Point> ring_;      // By rising hash.
  std::vector<uint32_t> table_;  // Of Maglev.
};

// MurmurHash64A with the seed that Envoy's MURMUR_HASH_2 has.
uint64_t MurmurHash2(absl::string_view text);

bool IsPrime(uint64_t number);

}  // namespace proxenos::upstream
