// Making sockets: listening ones, and connections on their way. Options in one place.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/net/address.h"

namespace proxenos::net {

// Owns a descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

struct ListenOptions {
  int backlog = 4096;        // Listener.tcp_backlog_size; the kernel cuts it to its own maximum.
  bool reuse_port = true;    // One socket per worker, balanced by the kernel.
  bool ipv4_compat = false;  // An IPv6 socket that takes IPv4 clients too.
  uint32_t unix_mode = 0;    // Pipe.mode
};

// Bound, not yet listening: so that all workers' sockets exist before the first accepts.
absl::StatusOr<UniqueFd> BindListenSocket(const Address& address, const ListenOptions& options);
absl::Status Listen(int fd, const ListenOptions& options);

struct TcpKeepalive {
  std::optional<uint32_t> probes;
  std::optional<uint32_t> time_s;
  std::optional<uint32_t> interval_s;
};

struct ConnectOptions {
  std::optional<TcpKeepalive> keepalive;  // UpstreamConnectionOptions.tcp_keepalive
  std::optional<Address> source;          // BindConfig.source_address
};

// A non-blocking socket whose connect has been started. Error: it failed at once.
absl::StatusOr<UniqueFd> StartConnect(const Address& address, const ConnectOptions& options);

// TCP_NODELAY; no-op on Unix sockets.
void SetNoDelay(int fd);

}  // namespace proxenos::net
