// Both versions, bounds first.
#include "source/filters/listener/proxy_protocol/proxy_header.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace proxenos::filters::proxy_protocol {
namespace {

constexpr absl::string_view kLineStart = "PROXY ";
constexpr absl::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixed = 16;  // Of version 2: signature, command, family, length.

uint32_t ByteAt(absl::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// Whether `bytes` begin with `start`, as far as there are any.
bool Begins(absl::string_view bytes, absl::string_view start) {
  const size_t size = std::min(bytes.size(), start.size());
  return bytes.substr(0, size) == start.substr(0, size);
}

std::optional<net::Address> ReadAddress(absl::string_view ip, absl::string_view port,
                                        net::Address::Family family) {
  uint32_t number;
  if (port.empty() || port.size() > 5 || (port.size() > 1 && port[0] == '0')) return std::nullopt;
  if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(port, &number) || number > 65535) {
    return std::nullopt;
  }
  const auto address = net::Address::FromIp(ip, static_cast<uint16_t>(number));
  if (!address.ok() || address->family() != family) return std::nullopt;
  return *address;
}

Header ReadLine(absl::string_view bytes, ProxyHeader* header) {
  const size_t end = bytes.substr(0, kMaxLine).find("\r\n");
  if (end == absl::string_view::npos) {
    return bytes.size() < kMaxLine ? Header::kMore : Header::kBroken;
  }
  header->size = static_cast<uint32_t>(end) + 2;
  const std::vector<absl::string_view> parts = absl::StrSplit(bytes.substr(0, end), ' ');
  if (parts.size() >= 2 && parts[1] == "UNKNOWN") return Header::kFound;
  if (parts.size() != 6 || (parts[1] != "TCP4" && parts[1] != "TCP6")) return Header::kBroken;
  const auto family =
      parts[1] == "TCP4" ? net::Address::Family::kIpv4 : net::Address::Family::kIpv6;
  const auto source = ReadAddress(parts[2], parts[4], family);
  const auto destination = ReadAddress(parts[3], parts[5], family);
  if (!source || !destination) return Header::kBroken;
  header->source = *source;
  header->destination = *destination;
  return Header::kFound;
}

net::Address BinaryAddress(absl::string_view ip, uint32_t port) {
  if (ip.size() == 4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    std::memcpy(&address.sin_addr, ip.data(), ip.size());
    return net::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  std::memcpy(&address.sin6_addr, ip.data(), ip.size());
  return net::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

// CRC-32C (RFC 3720, appendix B.4) of a header whose checksum, which is at `checksum`, counts as
// zeros. Bit by bit: few headers have one, and they are short.
uint32_t Crc32c(absl::string_view header, absl::string_view checksum) {
  constexpr uint32_t kPolynomial = 0x82f63b78;  // Reflected.
  uint32_t crc = 0xffffffff;
  for (const char& c : header) {
    const bool zero = &c >= checksum.data() && &c < checksum.data() + checksum.size();
    crc ^= zero ? 0u : static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return ~crc;
}

// Section 2.2: they fill what is left, and a checksum that is there must be right.
bool GoodTlvs(absl::string_view header, absl::string_view tlvs) {
  while (!tlvs.empty()) {
    const std::optional<Tlv> tlv = TakeTlv(&tlvs);
    if (!tlv) return false;
    if (tlv->type != kCrc32c) continue;
    if (tlv->value.size() != 4) return false;
    const uint32_t sent = ByteAt(tlv->value, 0) << 24 | ByteAt(tlv->value, 1) << 16 |
                          ByteAt(tlv->value, 2) << 8 | ByteAt(tlv->value, 3);
    if (sent != Crc32c(header, tlv->value)) return false;
  }
  return true;
}

Header ReadBinary(absl::string_view bytes, ProxyHeader* header) {
  if (bytes.size() < kFixed) return Header::kMore;
  const uint32_t version = ByteAt(bytes, 12) >> 4;
  const uint32_t command = ByteAt(bytes, 12) & 0xf;
  const uint32_t family = ByteAt(bytes, 13) >> 4;
  const uint32_t transport = ByteAt(bytes, 13) & 0xf;
  const uint32_t length = ByteAt(bytes, 14) << 8 | ByteAt(bytes, 15);
  if (version != 2 || command > 1 || family > 3 || transport > 2) return Header::kBroken;
  if (kFixed + length > kMaxHeader) return Header::kBroken;
  const size_t ip_size = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (command == 1 && length < 2 * ip_size + (ip_size > 0 ? 4 : 0)) return Header::kBroken;
  if (bytes.size() < kFixed + length) return Header::kMore;
  header->size = static_cast<uint32_t>(kFixed + length);
  // LOCAL, and families that are not addresses of TCP over IP, say nothing of the client.
  if (command == 0 || ip_size == 0) return Header::kFound;
  if (transport != 1) return Header::kBroken;
  const absl::string_view whole = bytes.substr(0, header->size);
  const absl::string_view at = whole.substr(kFixed);
  const size_t ports = 2 * ip_size;
  header->source =
      BinaryAddress(at.substr(0, ip_size), ByteAt(at, ports) << 8 | ByteAt(at, ports + 1));
  header->destination = BinaryAddress(at.substr(ip_size, ip_size),
                                      ByteAt(at, ports + 2) << 8 | ByteAt(at, ports + 3));
  header->tlvs = at.substr(ports + 4);
  return GoodTlvs(whole, header->tlvs) ? Header::kFound : Header::kBroken;
}

}  // namespace

std::optional<Tlv> TakeTlv(absl::string_view* tlvs) {
  if (tlvs->size() < 3) return std::nullopt;
  const size_t size = ByteAt(*tlvs, 1) << 8 | ByteAt(*tlvs, 2);
  if (tlvs->size() - 3 < size) return std::nullopt;
  const Tlv tlv{static_cast<uint8_t>(ByteAt(*tlvs, 0)), tlvs->substr(3, size)};
  tlvs->remove_prefix(3 + size);
  return tlv;
}

Header ReadProxyHeader(absl::string_view bytes, ProxyHeader* header) {
  if (Begins(bytes, kSignature)) {
    if (bytes.size() < kSignature.size()) return Header::kMore;
    header->version = 2;
    return ReadBinary(bytes, header);
  }
  if (Begins(bytes, kLineStart)) {
    if (bytes.size() < kLineStart.size()) return Header::kMore;
    header->version = 1;
    return ReadLine(bytes, header);
  }
  return Header::kNone;
}

}  // namespace proxenos::filters::proxy_protocol
