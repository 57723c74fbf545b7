// Address: an IPv4, IPv6 or Unix-socket address, as a value.
//
// Thread: any (immutable after construction).
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::net {

class Address {
 public:
  enum class Family : uint8_t { kNone, kIpv4, kIpv6, kUnix, kInternal };

  Address() = default;

  // From numeric text such as "10.0.0.1" or "::1" (no brackets, never a name).
  static absl::StatusOr<Address> FromIp(absl::string_view ip, uint16_t port);
  // A file path, or an abstract name when it starts with '@'. Error: longer than the kernel takes.
  static absl::StatusOr<Address> FromPath(absl::string_view path);
  // Of a listener inside this process; `endpoint` only tells addresses of it apart.
  static Address Internal(absl::string_view listener, absl::string_view endpoint);
  // From what accept, getsockname or a resolver gave.
  static Address FromSockaddr(const sockaddr* address, socklen_t size);
  static Address LocalOf(int fd);
  static Address PeerOf(int fd);

  Family family() const { return family_; }
  // The listener's name of an internal address.
  absl::string_view internal_listener() const;
  bool is_ip() const { return family_ == Family::kIpv4 || family_ == Family::kIpv6; }
  // The 4 or 16 bytes of an IP address, first byte first; else nothing.
  absl::string_view IpBytes() const {
    if (!is_ip()) return absl::string_view();
    return absl::string_view(reinterpret_cast<const char*>(ip_.bytes),
                             family_ == Family::kIpv4 ? 4 : 16);
  }
  uint16_t port() const;  // 0 for Unix sockets.
  Address WithPort(uint16_t port) const;
  bool IsLoopback() const;
  // RFC 1918, loopback and unique-local: what Envoy calls internal by default.
  bool IsInternal() const;

  // "10.0.0.1:80", "[::1]:80", the path, "envoy://listener/endpoint", or "" for none.
  std::string ToString() const;
  // "10.0.0.1", "::1", the path: no port.
  std::string IpString() const;
  // Appends IpString() without allocating; `out` has room for kMaxIpText.
  static constexpr size_t kMaxIpText = 46;
  size_t FormatIp(char* out) const;

  // For the system calls.
  sockaddr_storage ToSockaddr(socklen_t* size) const;

  friend bool operator==(const Address& a, const Address& b);
  friend bool operator!=(const Address& a, const Address& b) { return !(a == b); }

  template <typename H>
  friend H AbslHashValue(H h, const Address& address) {
    h = H::combine(std::move(h), address.family_, address.port_, address.scope_);
    h = H::combine_contiguous(std::move(h), address.ip_.bytes, sizeof(address.ip_.bytes));
    return H::combine(std::move(h), address.path_ ? *address.path_ : std::string());
  }

 private:
  // A struct because compilers copy an array member of a class that is not trivial byte by byte.
  struct IpBlock {
    unsigned char bytes[16];
  };

  Family family_ = Family::kNone;
  uint16_t port_ = 0;
  uint32_t scope_ = 0;  // IPv6 zone.
  IpBlock ip_ = {};     // IPv4 in the first four bytes.
  // Of Unix sockets, '@' first for abstract names; of internal ones, their text.
  std::shared_ptr<const std::string> path_;
};

}  // namespace proxenos::net
