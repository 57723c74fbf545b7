// setsockopt(2) and bind(2).
#include "source/net/socket_options.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace proxenos::net {

int DomainOf(const Address& address) {
  switch (address.family()) {
    case Address::Family::kIpv6:
      return AF_INET6;
    case Address::Family::kUnix:
      return AF_UNIX;
    default:
      return AF_INET;
  }
}

absl::Status SocketError(absl::string_view what, const Address& address) {
  return absl::UnavailableError(
      absl::StrCat(what, " ", address.ToString(), ": ", std::strerror(errno)));
}

bool SetSocketOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

absl::Status SetNumberedOptions(int fd, const Address& address,
                                const std::vector<SocketOption>& options, SocketOption::When when) {
  for (const SocketOption& option : options) {
    if (option.when != when || (option.family && *option.family != address.family())) continue;
    if (setsockopt(fd, option.level, option.name, option.value.data(),
                   static_cast<socklen_t>(option.value.size())) != 0) {
      return SocketError(absl::StrCat("cannot set option ", option.name, " of level ", option.level,
                                      " of the socket of"),
                         address);
    }
  }
  return absl::OkStatus();
}

absl::Status SetBindOptions(int fd, const Address& address, const ListenOptions& options) {
  const bool ipv6 = address.family() == Address::Family::kIpv6;
  const int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (options.reuse_port) SetSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (ipv6) SetSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1);
  if (options.transparent && !SetSocketOption(fd, level, ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
                                              *options.transparent ? 1 : 0)) {
    return SocketError("cannot make transparent the socket of", address);
  }
  if (options.freebind &&
      !SetSocketOption(fd, level, ipv6 ? IPV6_FREEBIND : IP_FREEBIND, *options.freebind ? 1 : 0)) {
    return SocketError("cannot bind freely to", address);
  }
  return absl::OkStatus();
}

absl::Status BindSocket(int fd, const Address& address) {
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0) return absl::OkStatus();
  return SocketError("cannot bind to", address);
}

}  // namespace proxenos::net
