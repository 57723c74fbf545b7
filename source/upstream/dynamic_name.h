// DynamicName: a host and its port as a request names them, in one spelling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::upstream {

// A DNS name has at most 253 octets (RFC 1035, section 2.3.4).
inline constexpr size_t kMaxDynamicHost = 253;

struct DynamicName {
  std::string host;  // Lower case, without brackets: what is asked for.
  uint16_t port = 0;

  // "example.com:80", "[::1]:80".
  std::string Key() const;

  friend bool operator==(const DynamicName&, const DynamicName&) = default;
};

// From an authority (RFC 3986, section 3.2): "host", "host:port", "[::1]:port". Nothing when it is
// none, when it has a user, and when its host could be no name and no address.
std::optional<DynamicName> ParseDynamicName(absl::string_view authority, uint16_t default_port);

}  // namespace proxenos::upstream
