// Blocking sockets.
#include "test/support/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "source/base/check.h"
#include "source/base/random.h"

namespace proxenos::testing {
namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t PortOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

int Bound(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = Loopback(port);
  CHECK(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  return fd;
}

}  // namespace

Socket::Socket(int fd) : fd_(fd) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const timeval patience = {kPatienceSeconds, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() { Close(); }

Socket Socket::Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  Socket result(fd);
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Socket();
  }
  return result;
}

uint16_t Socket::local_port() const { return PortOf(fd_); }

bool Socket::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Socket::SendInPieces(absl::string_view bytes, uint64_t seed, size_t largest) {
  base::Random random(seed);
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), 1 + static_cast<size_t>(random.Below(largest)));
    if (!Send(bytes.substr(0, size))) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

Socket::Read Socket::ReadSome(std::string& out) {
  char buffer[65536];
  for (;;) {
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got > 0) {
      out.append(buffer, static_cast<size_t>(got));
      return Read::kBytes;
    }
    if (got == 0) return Read::kEnd;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? Read::kTimeout : Read::kReset;
  }
}

std::string Socket::ReadAll(Read* how) {
  std::string all;
  Read last = Read::kBytes;
  while (last == Read::kBytes) last = ReadSome(all);
  if (how != nullptr) *how = last;
  return all;
}

bool Socket::IsQuiet() const {
  pollfd watch = {fd_, POLLIN, 0};
  return poll(&watch, 1, 0) == 0;
}

void Socket::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void Socket::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void Socket::Reset() {
  ArmReset();
  Close();
}

void Socket::ArmReset() {
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void Socket::Abort() { shutdown(fd_, SHUT_RDWR); }

ListenSocket::ListenSocket(uint16_t port) : fd_(Bound(port)), port_(PortOf(fd_)) {
  CHECK(listen(fd_, 1024) == 0);
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(port_, other.port_);
  return *this;
}

ListenSocket::~ListenSocket() { Close(); }

void ListenSocket::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Socket ListenSocket::Accept() {
  for (;;) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) return Socket(fd);
    if (errno != EINTR && errno != ECONNABORTED) return Socket();
  }
}

void ListenSocket::Abort() { shutdown(fd_, SHUT_RDWR); }

ClosedPort::ClosedPort() : fd_(Bound(0)), port_(PortOf(fd_)) {}

ClosedPort::~ClosedPort() { close(fd_); }

}  // namespace proxenos::testing
