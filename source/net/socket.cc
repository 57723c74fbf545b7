// socket(2), bind(2), connect(2) and their options.
#include "source/net/socket.h"

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

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<UniqueFd> BindListenSocket(const Address& address, const ListenOptions& options) {
  UniqueFd fd(socket(DomainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failed("cannot make a socket for", address);
  if (address.is_ip()) {
    SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reuse_port) SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.family() == Address::Family::kIpv6) {
      SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1);
    }
  } else {
    RemoveStalePath(address);
  }
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return Failed("cannot bind to", address);
  }
  if (options.unix_mode != 0 && address.family() == Address::Family::kUnix) {
    chmod(address.ToString().c_str(), options.unix_mode);
  }
  return fd;
}

absl::Status Listen(int fd, const ListenOptions& options) {
  if (listen(fd, options.backlog) != 0) return Failed("cannot listen on", Address::LocalOf(fd));
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> StartConnect(const Address& address, const ConnectOptions& options) {
  UniqueFd fd(socket(DomainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failed("cannot make a socket for", address);
  if (address.is_ip()) SetNoDelay(fd.get());
  if (options.keepalive) {
    SetOption(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    const TcpKeepalive& keepalive = *options.keepalive;
    const auto set = [&](int option, const std::optional<uint32_t>& value) {
      if (value) SetOption(fd.get(), IPPROTO_TCP, option, static_cast<int>(*value));
    };
    set(TCP_KEEPCNT, keepalive.probes);
    set(TCP_KEEPIDLE, keepalive.time_s);
    set(TCP_KEEPINTVL, keepalive.interval_s);
  }
  socklen_t size;
  if (options.source) {
    const sockaddr_storage source = options.source->ToSockaddr(&size);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&source), size) != 0) {
      return Failed("cannot bind to", *options.source);
    }
  }
  const sockaddr_storage storage = address.ToSockaddr(&size);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return absl::UnavailableError(std::strerror(errno));
  }
  return fd;
}

void SetNoDelay(int fd) { SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

}  // namespace proxenos::net
