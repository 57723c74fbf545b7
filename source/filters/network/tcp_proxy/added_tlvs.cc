// Theirs and ours, in the order that the policy says.
#include "source/filters/network/tcp_proxy/added_tlvs.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace proxenos::filters::tcp_proxy {
namespace {

bool Has(const net::ProxyTlvs& tlvs, uint8_t type) {
  return std::any_of(tlvs.begin(), tlvs.end(),
                     [type](const net::ProxyTlv& each) { return each.type == type; });
}

void KeepWithin(size_t most, net::ProxyTlvs& tlvs) {
  size_t bytes = 0;
  std::erase_if(tlvs, [&bytes, most](const net::ProxyTlv& each) {
    const size_t size = 3 + each.value.size();
    if (bytes + size > most) return true;
    bytes += size;
    return false;
  });
}

}  // namespace

net::ProxyTlvs AddedTlvs::Apply(const filter::StreamInfo& info) const {
  static const net::ProxyTlvs kNone;
  const filter::ConnectionInfo& connection = *info.connection;
  const bool told = connection.proxied_remote != nullptr || connection.proxy_notes != nullptr;
  const net::ProxyTlvs& theirs =
      connection.proxy_notes == nullptr ? kNone : connection.proxy_notes->passed;
  if (told && merge == TlvMerge::kIfNone) return theirs;
  net::ProxyTlvs all = fixed;
  access_log::FormatInput input;
  input.stream = &info;
  for (const Format& each : formats) {
    std::string value;
    std::visit([&](const auto& format) { format.Format(input, value); }, each.format);
    all.push_back({each.type, std::move(value)});
  }
  if (merge == TlvMerge::kAppend) {
    all.insert(all.begin(), theirs.begin(), theirs.end());
  } else {
    const net::ProxyTlvs ours = all;
    std::copy_if(theirs.begin(), theirs.end(), std::back_inserter(all),
                 [&ours](const net::ProxyTlv& each) { return !Has(ours, each.type); });
  }
  KeepWithin(kMaxBytes, all);
  return all;
}

}  // namespace proxenos::filters::tcp_proxy
