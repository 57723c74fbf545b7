// Which addresses a name may not have.
#include <algorithm>
#include <cstring>

#include "source/upstream/dynamic_forward_proxy.h"

namespace proxenos::upstream {
namespace {

// RFC 4291, section 2.5.5.2: ::ffff:0:0/96.
absl::string_view Unmapped(absl::string_view ip) {
  static constexpr char kMapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff";
  constexpr size_t kPrefix = 12;
  if (ip.size() != 16 || std::memcmp(ip.data(), kMapped, kPrefix) != 0) return ip;
  return ip.substr(kPrefix);
}

}  // namespace

bool AddressFilter::Matches(const net::Address& address) const {
  if (ranges.empty() && !invert) return false;
  const absl::string_view ip = Unmapped(address.IpBytes());
  const bool inside = std::any_of(ranges.begin(), ranges.end(),
                                  [ip](const match::IpRange& range) { return range.Contains(ip); });
  return inside != invert;
}

}  // namespace proxenos::upstream
