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
  // Another descriptor of the same; invalid when there are no more to be had.
  UniqueFd Duplicate() const;
  int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

struct TcpKeepalive {
  std::optional<uint32_t> probes;
  std::optional<uint32_t> time_s;
  std::optional<uint32_t> interval_s;

  friend bool operator==(const TcpKeepalive&, const TcpKeepalive&) = default;
};

// core.v3.SocketOption: one that is set by its numbers.
struct SocketOption {
  enum class When : uint8_t { kBeforeBind, kBound, kListening };

  int level = 0;
  int name = 0;
  std::string value;  // As setsockopt takes it.
  When when = When::kBeforeBind;
  std::optional<Address::Family> family;  // Only for sockets of it.

  friend bool operator==(const SocketOption&, const SocketOption&) = default;
};

struct ListenOptions {
  int backlog = 4096;        // Listener.tcp_backlog_size; the kernel cuts it to its own maximum.
  bool reuse_port = true;    // One socket per worker, balanced by the kernel; else one for all.
  bool ipv4_compat = false;  // An IPv6 socket that takes IPv4 clients too.
  uint32_t unix_mode = 0;    // Pipe.mode
  // What the kernel does by itself stays as it is where nothing is said.
  std::optional<bool> transparent;
  std::optional<bool> freebind;
  std::optional<uint32_t> tcp_fast_open_queue;
  std::optional<TcpKeepalive> keepalive;  // Of accepted connections, which inherit it.
  bool mptcp = false;
  std::vector<SocketOption> options;

  friend bool operator==(const ListenOptions&, const ListenOptions&) = default;
};

// Bound, not yet listening: so that all workers' sockets exist before the first accepts.
absl::StatusOr<UniqueFd> BindListenSocket(const Address& address, const ListenOptions& options);
absl::Status Listen(int fd, const ListenOptions& options);

struct ConnectOptions {
  std::optional<TcpKeepalive> keepalive;               // UpstreamConnectionOptions.tcp_keepalive
  std::optional<Address> source;                       // BindConfig.source_address
  std::optional<bool> freebind;                        // BindConfig.freebind
  const std::vector<SocketOption>* options = nullptr;  // BindConfig.socket_options; null: none.
};

// A non-blocking socket whose connect has been started. Error: it failed at once.
absl::StatusOr<UniqueFd> StartConnect(const Address& address, const ConnectOptions& options);

// TCP_NODELAY; no-op on Unix sockets.
void SetNoDelay(int fd);

}  // namespace proxenos::net
