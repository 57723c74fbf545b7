// Keys of ranges.
#include "source/match/ip_set.h"

#include <arpa/inet.h>

#include <algorithm>

#include "source/match/ip_range.h"

namespace proxenos::match {

std::optional<std::string> ParseIp(absl::string_view text) {
  char bytes[16];
  const std::string terminated(text);
  if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) return std::string(bytes, 16);
  return std::nullopt;
}

std::string RangeKey(absl::string_view ip, uint32_t bits) {
  std::string key(ip);
  MaskIp(reinterpret_cast<uint8_t*>(key.data()), static_cast<uint32_t>(ip.size()), bits);
  key.push_back(static_cast<char>(bits));
  return key;
}

bool IpSet::Add(absl::string_view ip, uint32_t prefix_bits) {
  const std::optional<std::string> bytes = ParseIp(ip);
  if (!bytes || prefix_bits > 8 * bytes->size()) return false;
  ranges_.insert(RangeKey(*bytes, prefix_bits));
  std::vector<uint32_t>& lengths = lengths_[bytes->size() == 16];
  if (std::find(lengths.begin(), lengths.end(), prefix_bits) == lengths.end()) {
    lengths.push_back(prefix_bits);
  }
  return true;
}

bool IpSet::Contains(absl::string_view ip) const {
  if (ip.size() != 4 && ip.size() != 16) return false;
  const std::vector<uint32_t>& lengths = lengths_[ip.size() == 16];
  return std::any_of(lengths.begin(), lengths.end(),
                     [&](uint32_t bits) { return ranges_.contains(RangeKey(ip, bits)); });
}

}  // namespace proxenos::match
