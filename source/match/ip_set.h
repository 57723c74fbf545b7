// IpSet: ranges of addresses (CIDR), of which the ones that hold an address are found by a look-up
// for each prefix length that occurs, however many ranges there are.
//
// Thread: any, once filled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace proxenos::match {

// The 4 or 16 bytes of an address; nothing when `text` is none.
std::optional<std::string> ParseIp(absl::string_view text);

// A range as a key: the first bits of `ip`, the rest 0, and behind them their number.
std::string RangeKey(absl::string_view ip, uint32_t bits);

class IpSet {
 public:
  // "10.0.0.0" and 8. False when it is no address, or one with fewer bits.
  bool Add(absl::string_view ip, uint32_t prefix_bits);

  bool empty() const { return ranges_.empty(); }
  // `ip`: the bytes of an address.
  bool Contains(absl::string_view ip) const;

 private:
  absl::flat_hash_set<std::string> ranges_;
  std::vector<uint32_t> lengths_[2];  // Prefix lengths that occur, of IPv4 and IPv6.
};

}  // namespace proxenos::match
