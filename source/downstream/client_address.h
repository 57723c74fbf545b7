// Who the client is behind proxies: what x-forwarded-for and headers like it say
// (HttpConnectionManager.original_ip_detection_extensions, and the older fields).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/http/header_map.h"
#include "source/match/ip_set.h"
#include "source/net/address.h"

namespace proxenos::downstream {

// The address `hops` places before the last of x-forwarded-for; nothing where there is none, or
// what stands there is no address.
std::optional<net::Address> ForwardedAddress(const http::HeaderMap& headers, uint32_t hops);
// Whether x-forwarded-for is a list of one: no proxy stands between that client and the one who
// said so.
bool NamesOneAlone(const http::HeaderMap& headers);
// Puts `address` behind those of x-forwarded-for.
void AppendForwardedFor(http::HeaderMap& headers, const net::Address& address);

// One of original_ip_detection_extensions. Thread: any (immutable).
struct AddressDetector {
  enum class Kind : uint8_t {
    kHops,     // xff: so many proxies before this one are trusted.
    kTrusted,  // xff: the proxies with these addresses are.
    kHeader,   // custom_header
  };
  Kind kind = Kind::kHops;
  bool may_be_internal = false;  // kHeader: what it finds may be one of InternalAddresses.
  bool append = false;           // The peer's own address goes behind those of x-forwarded-for.
  uint16_t reject_status = 0;  // The answer where `header` names no address; 0: the next detector.
  uint32_t hops = 0;
  match::IpSet trusted;
  std::string header;  // Lower case.
};

struct DetectedAddress {
  std::optional<net::Address> address;  // Nothing: the peer's.
  uint16_t reject_status = 0;           // Not 0: the request is to be answered with it.
  bool may_be_internal = false;         // It is the client's own, and nobody's between.
};

// InternalAddressConfig: who is one of ours, so that what he says in x-envoy-* fields counts.
// Thread: any (immutable).
struct InternalAddresses {
  match::IpSet ranges;
  bool unix_sockets = false;

  bool Holds(const net::Address& address) const {
    return address.is_ip() ? ranges.Contains(address.IpBytes())
                           : unix_sockets && address.family() == net::Address::Family::kUnix;
  }
};

// Asks one detector after another, until one knows; `peer` is who has connected.
DetectedAddress DetectAddress(const std::vector<AddressDetector>& detectors,
                              const net::Address& peer, http::HeaderMap& headers);

}  // namespace proxenos::downstream
