// Both versions of the header.
#include "source/upstream/proxy_header.h"

#include <netinet/in.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

constexpr absl::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr char kLocal = 0x20;
constexpr char kProxy = 0x21;
constexpr char kTcp4 = 0x11;
constexpr char kTcp6 = 0x21;

bool Known(const net::Address& source, const net::Address& destination) {
  return source.is_ip() && source.family() == destination.family();
}

std::string Version1(const net::Address& source, const net::Address& destination) {
  if (!Known(source, destination)) return "PROXY UNKNOWN\r\n";
  const bool v4 = source.family() == net::Address::Family::kIpv4;
  return absl::StrCat("PROXY ", v4 ? "TCP4" : "TCP6", " ", source.IpString(), " ",
                      destination.IpString(), " ", source.port(), " ", destination.port(), "\r\n");
}

void AppendIp(const net::Address& address, std::string& out) {
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (address.family() == net::Address::Family::kIpv4) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
    out.append(reinterpret_cast<const char*>(&ip), sizeof(ip));
  } else {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    out.append(reinterpret_cast<const char*>(&ip), sizeof(ip));
  }
}

void AppendBig16(uint16_t value, std::string& out) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

std::string Version2(const net::Address& source, const net::Address& destination,
                     const net::ProxyTlvs& tlvs) {
  std::string header(kSignature);
  if (!Known(source, destination)) {
    header.push_back(kLocal);
    header.append(3, '\0');  // No family, no addresses.
    return header;
  }
  const bool v4 = source.family() == net::Address::Family::kIpv4;
  header.push_back(kProxy);
  header.push_back(v4 ? kTcp4 : kTcp6);
  size_t size = v4 ? 12 : 36;
  for (const net::ProxyTlv& tlv : tlvs) size += SizeOf(tlv);
  DCHECK(size <= UINT16_MAX);
  AppendBig16(static_cast<uint16_t>(size), header);
  AppendIp(source, header);
  AppendIp(destination, header);
  AppendBig16(source.port(), header);
  AppendBig16(destination.port(), header);
  for (const net::ProxyTlv& tlv : tlvs) {
    header.push_back(static_cast<char>(tlv.type));
    AppendBig16(static_cast<uint16_t>(tlv.value.size()), header);
    header += tlv.value;
  }
  return header;
}

}  // namespace

void AppendProxyHeader(ProxyHeader version, const net::Address& source,
                       const net::Address& destination, const net::ProxyTlvs& tlvs,
                       buffer::Buffer& out) {
  if (version == ProxyHeader::kNone) return;
  const std::string header = version == ProxyHeader::kV1 ? Version1(source, destination)
                                                         : Version2(source, destination, tlvs);
  out.Append(absl::string_view(header));
}

}  // namespace proxenos::upstream
