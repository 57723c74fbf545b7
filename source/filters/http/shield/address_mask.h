// AddressMask: how much of a client's address leaves.
//
// What prints addresses of clients (operators of formats, and through these access logs, traces and
// values with %OPERATORS%) takes, where a stream has it, what its filter state says under the two
// names below in the place of the true address, which StreamInfo goes on holding for all that
// decides by it. Streams without these pay nothing, and an internal redirect keeps them.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/net/address.h"

namespace proxenos::filters::shield {

// Known to source/access_log/connection_operator_table.cc as well.
inline constexpr absl::string_view kPrintedRemote = "proxenos.printed_remote_address";
inline constexpr absl::string_view kPrintedDirectRemote = "proxenos.printed_direct_remote_address";

// How many first bits of an address are kept.
struct AddressMask {
  uint8_t ipv4_bits = 24;
  uint8_t ipv6_bits = 48;
};

// The address with 0 behind what is kept, and without a port. IPv6 addresses that hold an IPv4 one
// (::ffff:0:0/96, 2002::/16) keep no more of that than of an IPv4 address. Others than IP addresses
// stay.
net::Address Masked(const net::Address& address, AddressMask mask);

// From now on the stream's client is printed so.
void MaskPrinted(AddressMask mask, filter::StreamInfo& info);
// It is printed as it is.
void UnmaskPrinted(filter::StreamInfo& info);

}  // namespace proxenos::filters::shield
