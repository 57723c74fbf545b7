// ReadProxyHeader: the header by which a proxy before us tells whom it speaks for: the PROXY
// protocol, version 1 (a line of text) and 2 (binary).
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/net/address.h"

namespace proxenos::filters::proxy_protocol {

// Version 1: "PROXY " to CRLF, as its specification bounds it.
inline constexpr uint32_t kMaxLine = 107;
// Version 2 may be longer; nobody who means well comes near this.
inline constexpr uint32_t kMaxHeader = 16 * 1024;

enum class Header : uint8_t {
  kFound,
  kMore,    // It begins like one.
  kNone,    // Something else begins here.
  kBroken,  // Of `version`, and malformed.
};

struct ProxyHeader {
  int version = 0;    // 1 or 2: set with kFound, kBroken, and kMore once it is certain.
  uint32_t size = 0;  // Bytes of the header.
  // The connection that the proxy speaks for; none when it speaks for itself, or does not know.
  net::Address source;
  net::Address destination;
};

Header ReadProxyHeader(absl::string_view bytes, ProxyHeader* header);

}  // namespace proxenos::filters::proxy_protocol
