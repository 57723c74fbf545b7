// ConnectRules: how connections to a cluster's hosts are begun: from which addresses, with which
// socket options, and which of a host's addresses is tried first. Compiled from
// Cluster.upstream_bind_config and upstream_connection_options.
//
// Invariant: immutable once compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::upstream {

// What a host has besides its own address at most: a connection attempt may open a socket for each.
inline constexpr size_t kMaxFurtherAddresses = 31;

// BindConfig.source_address, or one of its extra_source_addresses.
struct ConnectSource {
  net::Address address;
  // In place of the ones for all; none: those hold.
  std::optional<std::vector<net::SocketOption>> options;
};

struct ConnectRules {
  std::vector<ConnectSource> sources;      // Empty: the kernel chooses.
  std::vector<net::SocketOption> options;  // BindConfig.socket_options
  std::optional<bool> freebind;            // Where nothing is said, the kernel's default stays.

  // HappyEyeballsConfig. kNone: the family of the host's own address.
  net::Address::Family first_family = net::Address::Family::kNone;
  uint32_t first_count = 1;  // So many of it, then one of the other, and so on.

  // Of max_connection_duration: connections live up to so much longer, each another time.
  double duration_jitter_percent = 0;

  // How a connection to `to` is to be begun. Good as long as the rules are.
  net::ConnectOptions OptionsFor(const net::Address& to) const;
};

// The addresses of a host in the order in which they are tried: families take turns (RFC 8305,
// section 4), each in the order given.
std::vector<net::Address> InOrder(const ConnectRules& rules, const net::Address& own,
                                  absl::Span<const net::Address> further);

}  // namespace proxenos::upstream
