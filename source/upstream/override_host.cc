// Addresses that requests name. They are the client's word: a list has as many as its field holds,
// and each costs one look into a table.
#include "source/upstream/override_host.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "source/upstream/hosts_by_address.h"

namespace proxenos::upstream {

net::Address ParseHostAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > UINT16_MAX) {
    return net::Address();
  }
  absl::string_view ip = text.substr(0, colon);
  if (ip.size() >= 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  auto address = net::Address::FromIp(ip, static_cast<uint16_t>(port));
  return address.ok() ? *address : net::Address();
}

namespace {

// What discovery says, or else what was found out here.
EndpointHealth StateOf(const HostEntry& entry) {
  if (entry.discovered != EndpointHealth::kHealthy) {
    // One that is said to be degraded may have failed here since.
    const bool failed = entry.discovered == EndpointHealth::kDegraded && !entry.degraded();
    return failed ? EndpointHealth::kUnhealthy : entry.discovered;
  }
  if (entry.healthy()) return EndpointHealth::kHealthy;
  return entry.degraded() ? EndpointHealth::kDegraded : EndpointHealth::kUnhealthy;
}

}  // namespace

HostIndex FirstUsable(const HostSet& hosts, const HostsByAddress& by_address, uint8_t states,
                      absl::string_view list) {
  if (states == 0) return kNoHost;
  for (const absl::string_view each : absl::StrSplit(list, ',')) {
    const net::Address address = ParseHostAddress(absl::StripAsciiWhitespace(each));
    if (address.family() == net::Address::Family::kNone) continue;
    const HostIndex index = by_address.Find(address);
    if (index == kNoHost) continue;
    if ((BitOf(StateOf(hosts.entry(index))) & states) != 0) return index;
  }
  return kNoHost;
}

absl::string_view Behind(absl::string_view list, absl::string_view address) {
  absl::string_view rest = list;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const absl::string_view first = absl::StripAsciiWhitespace(rest.substr(0, comma));
    rest = comma == absl::string_view::npos ? absl::string_view() : rest.substr(comma + 1);
    if (first == address) return rest;
  }
  return list;
}

}  // namespace proxenos::upstream
