// From the longest prefix to the shortest.
#include "source/match/ip_ranges.h"

#include <optional>

#include "source/match/ip_set.h"

namespace proxenos::match {

bool IpRanges::Add(absl::string_view ip, uint32_t prefix_bits, uint32_t number) {
  const std::optional<std::string> bytes = ParseIp(ip);
  if (!bytes || prefix_bits > 8 * bytes->size()) return false;
  ranges_[RangeKey(*bytes, prefix_bits)].push_back(number);
  lengths_[bytes->size() == 16].insert(prefix_bits);
  return true;
}

void IpRanges::Visit(absl::string_view ip, absl::FunctionRef<bool(uint32_t)> visit) const {
  if (ip.size() != 4 && ip.size() != 16) return;
  for (const uint32_t bits : lengths_[ip.size() == 16]) {
    const auto it = ranges_.find(RangeKey(ip, bits));
    if (it == ranges_.end()) continue;
    for (const uint32_t number : it->second) {
      if (!visit(number)) return;
    }
  }
}

}  // namespace proxenos::match
