// Comparing bits.
#include "source/match/ip_range.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

namespace proxenos::match {

std::optional<IpRange> IpRange::Parse(absl::string_view ip, uint32_t prefix_bits) {
  IpRange range;
  const std::string text(ip);
  if (inet_pton(AF_INET, text.c_str(), range.bytes_) == 1) {
    range.size_ = 4;
  } else if (inet_pton(AF_INET6, text.c_str(), range.bytes_) == 1) {
    range.size_ = 16;
  } else {
    return std::nullopt;
  }
  if (prefix_bits > 8u * range.size_) return std::nullopt;
  range.bits_ = static_cast<uint8_t>(prefix_bits);
  MaskIp(range.bytes_, range.size_, prefix_bits);
  return range;
}

bool IpRange::Contains(absl::string_view ip_bytes) const {
  if (ip_bytes.size() != size_) return false;
  const size_t whole = bits_ / 8;
  if (std::memcmp(bytes_, ip_bytes.data(), whole) != 0) return false;
  if (bits_ % 8 == 0) return true;
  const int shift = 8 - bits_ % 8;
  return bytes_[whole] >> shift == static_cast<uint8_t>(ip_bytes[whole]) >> shift;
}

void MaskIp(uint8_t* bytes, uint32_t size, uint32_t bits) {
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t left = bits > 8 * i ? bits - 8 * i : 0;
    if (left < 8) bytes[i] = static_cast<uint8_t>(bytes[i] & ~(0xff >> left));
  }
}

}  // namespace proxenos::match
