// Lists of addresses, read from the end: what is before a proxy that is not trusted may be made up.
#include "source/downstream/client_address.h"

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "source/http/list_field.h"

namespace proxenos::downstream {
namespace {

using http::HeaderId;

// Calls take(absl::string_view entry) for each entry of x-forwarded-for, the last first, until it
// returns false. Several fields are one list.
template <typename Take>
void WalkBackwards(const http::HeaderMap& headers, Take take) {
  for (uint32_t i = headers.size(); i > 0; --i) {
    const http::Header& header = headers.begin()[i - 1];
    if (header.id != HeaderId::kXForwardedFor) continue;
    absl::string_view rest = header.value();
    while (true) {
      const size_t comma = rest.rfind(',');
      const bool first = comma == absl::string_view::npos;
      if (!take(absl::StripAsciiWhitespace(first ? rest : rest.substr(comma + 1)))) return;
      if (first) break;
      rest = rest.substr(0, comma);
    }
  }
}

std::optional<net::Address> ParseAddress(absl::string_view text) {
  auto address = net::Address::FromIp(text, 0);
  if (!address.ok()) return std::nullopt;
  return *std::move(address);
}

// The last address that is not trusted, or where all are, the first of all.
std::optional<net::Address> LastUntrusted(const http::HeaderMap& headers,
                                          const match::IpSet& trusted) {
  std::optional<net::Address> found;
  WalkBackwards(headers, [&found, &trusted](absl::string_view entry) {
    found = ParseAddress(entry);
    return found.has_value() && trusted.Contains(found->IpBytes());
  });
  return found;
}

std::optional<net::Address> FromHeader(const http::HeaderMap& headers, const std::string& name) {
  const http::Header* header = headers.Find(name);
  return header == nullptr ? std::nullopt : ParseAddress(header->value());
}

}  // namespace

std::optional<net::Address> ForwardedAddress(const http::HeaderMap& headers, uint32_t hops) {
  std::optional<net::Address> found;
  WalkBackwards(headers, [&found, &hops](absl::string_view entry) {
    if (hops > 0) {
      --hops;
      return true;
    }
    found = ParseAddress(entry);
    return false;
  });
  return found;
}

bool NamesOneAlone(const http::HeaderMap& headers) {
  int names = 0;
  WalkBackwards(headers, [&names](absl::string_view) { return ++names < 2; });
  return names == 1;
}

void AppendForwardedFor(http::HeaderMap& headers, const net::Address& address) {
  char text[net::Address::kMaxIpText];
  const absl::string_view ip(text, address.FormatIp(text));
  if (!ip.empty()) http::AppendToList(headers, HeaderId::kXForwardedFor, ",", ip);
}

DetectedAddress DetectAddress(const std::vector<AddressDetector>& detectors,
                              const net::Address& peer, http::HeaderMap& headers) {
  for (const AddressDetector& detector : detectors) {
    std::optional<net::Address> found;
    bool append = detector.append;
    const bool alone = detector.kind == AddressDetector::Kind::kHeader
                           ? detector.may_be_internal
                           : detector.hops == 0 && NamesOneAlone(headers);
    switch (detector.kind) {
      case AddressDetector::Kind::kHops:
        found = ForwardedAddress(headers, detector.hops);
        break;
      case AddressDetector::Kind::kTrusted:
        if (detector.trusted.Contains(peer.IpBytes())) {
          found = LastUntrusted(headers, detector.trusted);
        } else {
          append = true;  // As Envoy does: the list goes on with whom it does not trust.
        }
        break;
      case AddressDetector::Kind::kHeader:
        found = FromHeader(headers, detector.header);
        if (!found && detector.reject_status != 0) {
          return {std::nullopt, detector.reject_status, false};
        }
        break;
    }
    if (append) AppendForwardedFor(headers, peer);
    if (found) return {std::move(found), 0, alone};
  }
  return {};
}

}  // namespace proxenos::downstream
