// IpRange: addresses that begin with the same bits (CIDR). Addresses are their bytes: 4 or 16.
// Thread: any (a value).
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace proxenos::match {

class IpRange {
 public:
  // "10.0.0.0" and 8. Nothing when it is no address, or one with fewer bits than that.
  static std::optional<IpRange> Parse(absl::string_view ip, uint32_t prefix_bits);

  // An address of the other family is in no range of this one.
  bool Contains(absl::string_view ip_bytes) const;

 private:
  uint8_t bytes_[16] = {};
  uint8_t size_ = 0;
  uint8_t bits_ = 0;
};

// Sets all bits behind the first `bits` to 0. REQUIRES: bits <= 8 * size.
void MaskIp(uint8_t* bytes, uint32_t size, uint32_t bits);

}  // namespace proxenos::match
