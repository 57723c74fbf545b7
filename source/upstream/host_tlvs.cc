// As they stand in a header: a type, a length of two bytes, the value.
#include "source/upstream/host_tlvs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/base/check.h"

namespace proxenos::upstream {
namespace {

// No UTF-8, which names of fields are; so it also comes behind all of them.
constexpr char kName[] = "\xff";

bool Has(const FlatStruct& host) { return !host.empty() && host.back().first == kName; }

}  // namespace

void SetHostTlvs(const net::ProxyTlvs& tlvs, FlatStruct& host) {
  if (tlvs.empty()) return;
  std::string bytes;
  for (const net::ProxyTlv& tlv : tlvs) {
    bytes.push_back(static_cast<char>(tlv.type));
    bytes.push_back(static_cast<char>(tlv.value.size() >> 8));
    bytes.push_back(static_cast<char>(tlv.value.size() & 0xff));
    bytes += tlv.value;
  }
  DCHECK(!Has(host) && bytes.size() <= kMaxHostTlvBytes);
  host.emplace_back(kName, std::move(bytes));
}

net::ProxyTlvs HostTlvs(const FlatStruct& host) {
  net::ProxyTlvs tlvs;
  if (!Has(host)) return tlvs;
  const std::string& bytes = host.back().second;
  for (size_t at = 0; at + 3 <= bytes.size();) {
    const size_t size = static_cast<size_t>(static_cast<uint8_t>(bytes[at + 1])) << 8 |
                        static_cast<uint8_t>(bytes[at + 2]);
    tlvs.push_back({static_cast<uint8_t>(bytes[at]), bytes.substr(at + 3, size)});
    at += 3 + size;
  }
  return tlvs;
}

void InheritTransportMatch(const FlatStruct& common, FlatStruct& host) {
  if (host.size() > (Has(host) ? 1u : 0u)) return;
  host.insert(host.begin(), common.begin(), common.end());
}

net::ProxyTlvs SentTlvs(const TransportSocket& socket, const FlatStruct& host,
                        const net::ProxyTlvs& given) {
  net::ProxyTlvs sent;
  if (socket.proxy_tlvs != nullptr) sent = socket.proxy_tlvs->Apply(given);
  net::ProxyTlvs own = HostTlvs(host);
  if (own.empty()) return sent;
  std::erase_if(sent, [&own](const net::ProxyTlv& each) {
    return std::any_of(own.begin(), own.end(),
                       [&each](const net::ProxyTlv& other) { return other.type == each.type; });
  });
  sent.insert(sent.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  return sent;
}

}  // namespace proxenos::upstream
