// What sockets of streams and of datagrams have set alike. Only socket.cc and datagram.cc use it.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::net {

// AF_INET where the address says nothing.
int DomainOf(const Address& address);

// `what` and the address, and why: errno.
absl::Status SocketError(absl::string_view what, const Address& address);

bool SetSocketOption(int fd, int level, int name, int value);

// The options by number that are due at `when`.
absl::Status SetNumberedOptions(int fd, const Address& address,
                                const std::vector<SocketOption>& options, SocketOption::When when);

// What is set of an IP listener's socket before it is bound: SO_REUSEPORT, IPV6_V6ONLY,
// transparency and free binding.
absl::Status SetBindOptions(int fd, const Address& address, const ListenOptions& options);

absl::Status BindSocket(int fd, const Address& address);

}  // namespace proxenos::net
