// Masking of addresses.
#include "source/filters/http/shield/address_mask.h"

#include <algorithm>
#include <cstring>

#include "source/match/ip_range.h"

namespace proxenos::filters::shield {
namespace {

constexpr uint32_t kMappedBits = 96;     // ::ffff:0:0/96, RFC 4291, section 2.5.5.2
constexpr uint32_t kSixToFourBits = 16;  // 2002::/16, RFC 3056, section 2

uint32_t KeptOfIpv6(const uint8_t (&bytes)[16], AddressMask mask) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes, kMapped, sizeof(kMapped)) == 0) return kMappedBits + mask.ipv4_bits;
  if (bytes[0] == 0x20 && bytes[1] == 0x02 && mask.ipv4_bits < 32) {
    return std::min<uint32_t>(mask.ipv6_bits, kSixToFourBits + mask.ipv4_bits);
  }
  return mask.ipv6_bits;
}

void Print(const net::Address& address, AddressMask mask, absl::string_view name,
           filter::StreamInfo& info) {
  if (address.is_ip()) info.state.Set(name, Masked(address, mask).IpString());
}

}  // namespace

net::Address Masked(const net::Address& address, AddressMask mask) {
  if (!address.is_ip()) return address;
  socklen_t size = 0;
  sockaddr_storage raw = address.WithPort(0).ToSockaddr(&size);
  if (raw.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(raw);
    uint8_t bytes[4];
    std::memcpy(bytes, &v4.sin_addr, sizeof(bytes));
    match::MaskIp(bytes, sizeof(bytes), mask.ipv4_bits);
    std::memcpy(&v4.sin_addr, bytes, sizeof(bytes));
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(raw);
    uint8_t bytes[16];
    std::memcpy(bytes, &v6.sin6_addr, sizeof(bytes));
    match::MaskIp(bytes, sizeof(bytes), KeptOfIpv6(bytes, mask));
    std::memcpy(&v6.sin6_addr, bytes, sizeof(bytes));
    v6.sin6_scope_id = 0;
  }
  return net::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&raw), size);
}

void MaskPrinted(AddressMask mask, filter::StreamInfo& info) {
  Print(info.remote, mask, kPrintedRemote, info);
  if (info.connection != nullptr) {
    Print(info.connection->direct_remote, mask, kPrintedDirectRemote, info);
  }
}

void UnmaskPrinted(filter::StreamInfo& info) {
  if (info.state.Find(kPrintedRemote) != nullptr ||
      info.state.Find(kPrintedDirectRemote) != nullptr) {
    MaskPrinted({32, 128}, info);
  }
}

}  // namespace proxenos::filters::shield
