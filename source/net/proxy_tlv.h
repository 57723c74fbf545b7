// ProxyTlv: a piece of what a PROXY header of version 2 says besides addresses
// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace proxenos::net {

struct ProxyTlv {
  uint8_t type = 0;
  std::string value;  // At most 65535 bytes.

  bool operator==(const ProxyTlv&) const = default;
};
using ProxyTlvs = std::vector<ProxyTlv>;

}  // namespace proxenos::net
