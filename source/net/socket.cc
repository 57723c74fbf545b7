// socket(2), bind(2), connect(2) and their options.
#include "source/net/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "source/net/socket_options.h"

namespace proxenos::net {
namespace {

void SetKeepalive(int fd, const TcpKeepalive& keepalive) {
  SetSocketOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  const auto set = [fd](int option, const std::optional<uint32_t>& value) {
    if (value) SetSocketOption(fd, IPPROTO_TCP, option, static_cast<int>(*value));
  };
  set(TCP_KEEPCNT, keepalive.probes);
  set(TCP_KEEPIDLE, keepalive.time_s);
  set(TCP_KEEPINTVL, keepalive.interval_s);
}

// Before the socket is bound.
absl::Status SetIpOptions(int fd, const Address& address, const ListenOptions& options) {
  SetSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.keepalive) SetKeepalive(fd, *options.keepalive);
  absl::Status set = SetBindOptions(fd, address, options);
  if (!set.ok() || !options.tcp_fast_open_queue) return set;
  const int queue = static_cast<int>(*options.tcp_fast_open_queue);
  if (SetSocketOption(fd, IPPROTO_TCP, TCP_FASTOPEN, queue)) return set;
  return SocketError("cannot enable TCP Fast Open on", address);
}

// What a connection's socket is bound to, and what is set of it on the way.
absl::Status BindSource(int fd, const Address& to, const ConnectOptions& options) {
  if (options.freebind && to.is_ip()) {
    const bool ipv6 = to.family() == Address::Family::kIpv6;
    if (!SetSocketOption(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_FREEBIND : IP_FREEBIND,
                         *options.freebind ? 1 : 0)) {
      return SocketError("cannot bind freely, to reach", to);
    }
  }
  if (options.options != nullptr) {
    absl::Status set =
        SetNumberedOptions(fd, to, *options.options, SocketOption::When::kBeforeBind);
    if (!set.ok()) return set;
  }
  if (options.source) {
    absl::Status bound = BindSocket(fd, *options.source);
    if (!bound.ok()) return bound;
  }
  if (options.options == nullptr) return absl::OkStatus();
  return SetNumberedOptions(fd, to, *options.options, SocketOption::When::kBound);
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
  if (!fd.valid()) return SocketError("cannot make a socket for", address);
  if (address.is_ip()) {
    absl::Status set = SetIpOptions(fd.get(), address, options);
    if (!set.ok()) return set;
  } else {
    RemoveStalePath(address);
  }
  absl::Status set =
      SetNumberedOptions(fd.get(), address, options.options, SocketOption::When::kBeforeBind);
  if (!set.ok()) return set;
  set = BindSocket(fd.get(), address);
  if (!set.ok()) return set;
  if (options.unix_mode != 0 && address.family() == Address::Family::kUnix) {
    chmod(address.ToString().c_str(), options.unix_mode);
  }
  set = SetNumberedOptions(fd.get(), address, options.options, SocketOption::When::kBound);
  if (!set.ok()) return set;
  return fd;
}

absl::Status Listen(int fd, const ListenOptions& options) {
  const Address address = Address::LocalOf(fd);
  if (listen(fd, options.backlog) != 0) return SocketError("cannot listen on", address);
  return SetNumberedOptions(fd, address, options.options, SocketOption::When::kListening);
}

absl::StatusOr<UniqueFd> StartConnect(const Address& address, const ConnectOptions& options) {
  UniqueFd fd(socket(DomainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return SocketError("cannot make a socket for", address);
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

void SetNoDelay(int fd) { SetSocketOption(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

}  // namespace proxenos::net
