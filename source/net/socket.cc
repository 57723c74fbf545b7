// socket(2), bind(2), connect(2) and their options.
#include "source/net/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace proxenos::net {
namespace {

absl::Status Failed(const char* what, const Address& address) {
  return absl::UnavailableError(
      absl::StrCat(what, " ", address.ToString(), ": ", std::strerror(errno)));
}

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

void SetKeepalive(int fd, const TcpKeepalive& keepalive) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  const auto set = [fd](int option, const std::optional<uint32_t>& value) {
    if (value) SetOption(fd, IPPROTO_TCP, option, static_cast<int>(*value));
  };
  set(TCP_KEEPCNT, keepalive.probes);
  set(TCP_KEEPIDLE, keepalive.time_s);
  set(TCP_KEEPINTVL, keepalive.interval_s);
}

// The options by number that are due at `when`.
absl::Status SetOptions(int fd, const Address& address, const std::vector<SocketOption>& options,
                        SocketOption::When when) {
  for (const SocketOption& option : options) {
    if (option.when != when || (option.family && *option.family != address.family())) continue;
    if (setsockopt(fd, option.level, option.name, option.value.data(),
                   static_cast<socklen_t>(option.value.size())) != 0) {
      return Failed(absl::StrCat("cannot set option ", option.name, " of level ", option.level,
                                 " of the socket of")
                        .c_str(),
                    address);
    }
  }
  return absl::OkStatus();
}

// Before the socket is bound.
absl::Status SetIpOptions(int fd, const Address& address, const ListenOptions& options) {
  const bool ipv6 = address.family() == Address::Family::kIpv6;
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (ipv6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1);
  if (options.keepalive) SetKeepalive(fd, *options.keepalive);
  const auto set = [&](int level, int name, std::optional<int> value, const char* what) {
    if (!value || setsockopt(fd, level, name, &*value, sizeof(*value)) == 0) {
      return absl::OkStatus();
    }
    return Failed(what, address);
  };
  const auto as_int = [](const auto& value) {
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
  };
  const int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  absl::Status status = set(level, ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
                            as_int(options.transparent), "cannot make transparent the socket of");
  status.Update(set(level, ipv6 ? IPV6_FREEBIND : IP_FREEBIND, as_int(options.freebind),
                    "cannot bind freely to"));
  status.Update(set(IPPROTO_TCP, TCP_FASTOPEN, as_int(options.tcp_fast_open_queue),
                    "cannot enable TCP Fast Open on"));
  return status;
}

// What a connection's socket is bound to, and what is set of it on the way.
absl::Status BindSource(int fd, const Address& to, const ConnectOptions& options) {
  if (options.freebind && to.is_ip()) {
    const bool ipv6 = to.family() == Address::Family::kIpv6;
    const int on = *options.freebind ? 1 : 0;
    if (setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_FREEBIND : IP_FREEBIND, &on,
                   sizeof(on)) != 0) {
      return Failed("cannot bind freely, to reach", to);
    }
  }
  if (options.options != nullptr) {
    absl::Status set = SetOptions(fd, to, *options.options, SocketOption::When::kBeforeBind);
    if (!set.ok()) return set;
  }
  if (options.source) {
    socklen_t size;
    const sockaddr_storage source = options.source->ToSockaddr(&size);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&source), size) != 0) {
      return Failed("cannot bind to", *options.source);
    }
  }
  if (options.options == nullptr) return absl::OkStatus();
  return SetOptions(fd, to, *options.options, SocketOption::When::kBound);
}

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

// A socket file that nobody listens on is left over from a process that died.
void RemoveStalePath(const Address& address) {
  const std::string path = address.ToString();
  struct stat info;
  if (path.empty() || path[0] == '@' || stat(path.c_str(), &info) != 0) return;
  if (!S_ISSOCK(info.st_mode)) return;
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  const bool refused =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno == ECONNREFUSED;
  if (refused) unlink(path.c_str());
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.Release();
  }
  return *this;
}

UniqueFd UniqueFd::Duplicate() const { return UniqueFd(fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<UniqueFd> BindListenSocket(const Address& address, const ListenOptions& options) {
  const int protocol = options.mptcp && address.is_ip() ? IPPROTO_MPTCP : 0;
  UniqueFd fd(socket(DomainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return Failed("cannot make a socket for", address);
  if (address.is_ip()) {
    absl::Status set = SetIpOptions(fd.get(), address, options);
    if (!set.ok()) return set;
  } else {
    RemoveStalePath(address);
  }
  absl::Status set =
      SetOptions(fd.get(), address, options.options, SocketOption::When::kBeforeBind);
  if (!set.ok()) return set;
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return Failed("cannot bind to", address);
  }
  if (options.unix_mode != 0 && address.family() == Address::Family::kUnix) {
    chmod(address.ToString().c_str(), options.unix_mode);
  }
  set = SetOptions(fd.get(), address, options.options, SocketOption::When::kBound);
  if (!set.ok()) return set;
  return fd;
}

absl::Status Listen(int fd, const ListenOptions& options) {
  const Address address = Address::LocalOf(fd);
  if (listen(fd, options.backlog) != 0) return Failed("cannot listen on", address);
  return SetOptions(fd, address, options.options, SocketOption::When::kListening);
}

absl::StatusOr<UniqueFd> StartConnect(const Address& address, const ConnectOptions& options) {
  UniqueFd fd(socket(DomainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failed("cannot make a socket for", address);
  if (address.is_ip()) SetNoDelay(fd.get());
  if (options.keepalive) SetKeepalive(fd.get(), *options.keepalive);
  absl::Status bound = BindSource(fd.get(), address, options);
  if (!bound.ok()) return bound;
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return absl::UnavailableError(std::strerror(errno));
  }
  return fd;
}

void SetNoDelay(int fd) { SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

}  // namespace proxenos::net
