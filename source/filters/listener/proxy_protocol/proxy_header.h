// ReadProxyHeader: the header by which a proxy before us tells whom it speaks for: the PROXY
// protocol, version 1 (a line of text) and 2 (binary).
#pragma once

#include <cstdint>
#include <optional>

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
  // TLVs, each whole, within the bytes that were read; empty without addresses.
  absl::string_view tlvs;
};

// Types that are about the header itself, and mean nothing behind it.
inline constexpr uint8_t kCrc32c = 0x03;
inline constexpr uint8_t kNoop = 0x04;

struct Tlv {
  uint8_t type = 0;
  absl::string_view value;
};
// Takes the first TLV from the front; nothing at the end, and where a length points behind it.
std::optional<Tlv> TakeTlv(absl::string_view* tlvs);

// kBroken besides what is malformed: TLVs that do not end where the header does, and a checksum
// that is not the header's.
Header ReadProxyHeader(absl::string_view bytes, ProxyHeader* header);

}  // namespace proxenos::filters::proxy_protocol
