// IpRanges: ranges of addresses (CIDR) that each stand for a number; those that hold an address are
// found narrowest first, by a look-up for each prefix length that occurs.
//
// Thread: any, once filled.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace proxenos::match {

class IpRanges {
 public:
  // "10.0.0.0" and 8 stand for `number`. False when it is no address, or one with fewer bits.
  bool Add(absl::string_view ip, uint32_t prefix_bits, uint32_t number);

  // The numbers of the ranges that hold the address `ip` (its bytes), until `visit` says false: of
  // equal ranges in the order in which they were added.
  void Visit(absl::string_view ip, absl::FunctionRef<bool(uint32_t number)> visit) const;

 private:
  absl::flat_hash_map<std::string, std::vector<uint32_t>> ranges_;  // By RangeKey.
  // Prefix lengths that occur, of IPv4 and IPv6.
  std::set<uint32_t, std::greater<>> lengths_[2];
};

}  // namespace proxenos::match
