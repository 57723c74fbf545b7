// Parsing, printing and comparing of addresses.
#include "source/net/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace proxenos::net {
namespace {

constexpr char kInternalScheme[] = "envoy://";

}  // namespace

absl::StatusOr<Address> Address::FromIp(absl::string_view ip, uint16_t port) {
  Address result;
  const std::string text(ip);
  in_addr v4;
  in6_addr v6;
  // inet_pton would stop at a NUL and take what stands before it.
  if (text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("an address with a NUL in it");
  }
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    result.family_ = Family::kIpv4;
    std::memcpy(result.ip_.bytes, &v4, sizeof(v4));
  } else if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    result.family_ = Family::kIpv6;
    std::memcpy(result.ip_.bytes, &v6, sizeof(v6));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("'", ip, "' is not an IPv4 or IPv6 address"));
  }
  result.port_ = port;
  return result;
}

absl::StatusOr<Address> Address::FromPath(absl::string_view path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("'", path, "': a socket path has 1 to ",
                                                   sizeof(sockaddr_un::sun_path) - 1, " bytes"));
  }
  Address result;
  result.family_ = Family::kUnix;
  result.path_ = std::make_shared<const std::string>(path);
  return result;
}

Address Address::Internal(absl::string_view listener, absl::string_view endpoint) {
  Address result;
  result.family_ = Family::kInternal;
  result.path_ =
      std::make_shared<const std::string>(absl::StrCat(kInternalScheme, listener, "/", endpoint));
  // Where the name ends: both may have slashes.
  result.scope_ = static_cast<uint32_t>(listener.size());
  return result;
}

absl::string_view Address::internal_listener() const {
  if (family_ != Family::kInternal) return absl::string_view();
  return absl::string_view(*path_).substr(sizeof(kInternalScheme) - 1, scope_);
}

Address Address::FromSockaddr(const sockaddr* address, socklen_t size) {
  Address result;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    result.family_ = Family::kIpv4;
    result.port_ = ntohs(v4->sin_port);
    std::memcpy(result.ip_.bytes, &v4->sin_addr, 4);
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    result.port_ = ntohs(v6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      // A v4 client of a dual-stack socket is a v4 client to every matcher and log.
      result.family_ = Family::kIpv4;
      std::memcpy(result.ip_.bytes, v6->sin6_addr.s6_addr + 12, 4);
    } else {
      result.family_ = Family::kIpv6;
      result.scope_ = v6->sin6_scope_id;
      std::memcpy(result.ip_.bytes, &v6->sin6_addr, 16);
    }
  } else if (address->sa_family == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(address);
    result.family_ = Family::kUnix;
    const size_t header = offsetof(sockaddr_un, sun_path);
    const size_t length = size > header ? size - header : 0;
    std::string path;
    if (length > 0 && un->sun_path[0] == '\0') {
      path = "@" + std::string(un->sun_path + 1, length - 1);
    } else if (length > 0) {
      path.assign(un->sun_path, strnlen(un->sun_path, length));
    }
    result.path_ = std::make_shared<const std::string>(std::move(path));
  }
  return result;
}

Address Address::LocalOf(int fd) {
  sockaddr_storage storage;
  socklen_t size = sizeof(storage);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  return getsockname(fd, generic, &size) == 0 ? FromSockaddr(generic, size) : Address();
}

Address Address::PeerOf(int fd) {
  sockaddr_storage storage;
  socklen_t size = sizeof(storage);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  return getpeername(fd, generic, &size) == 0 ? FromSockaddr(generic, size) : Address();
}

uint16_t Address::port() const { return port_; }

Address Address::WithPort(uint16_t port) const {
  Address result = *this;
  result.port_ = port;
  return result;
}

bool Address::IsLoopback() const {
  if (family_ == Family::kIpv4) return ip_.bytes[0] == 127;
  if (family_ != Family::kIpv6) return false;
  static constexpr unsigned char kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::memcmp(ip_.bytes, kLoopback, 16) == 0;
}

bool Address::IsInternal() const {
  if (IsLoopback()) return true;
  if (family_ == Family::kIpv4) {
    return ip_.bytes[0] == 10 || (ip_.bytes[0] == 172 && (ip_.bytes[1] & 0xf0) == 16) ||
           (ip_.bytes[0] == 192 && ip_.bytes[1] == 168);
  }
  return family_ == Family::kIpv6 && (ip_.bytes[0] & 0xfe) == 0xfc;
}

size_t Address::FormatIp(char* out) const {
  if (!is_ip()) return 0;
  const int family = family_ == Family::kIpv4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, ip_.bytes, out, kMaxIpText) == nullptr) return 0;
  return std::strlen(out);
}

std::string Address::IpString() const {
  if (path_ != nullptr) return *path_;
  char text[kMaxIpText];
  return std::string(text, FormatIp(text));
}

std::string Address::ToString() const {
  switch (family_) {
    case Family::kNone:
      return "";
    case Family::kUnix:
    case Family::kInternal:
      return *path_;
    case Family::kIpv4:
      return absl::StrCat(IpString(), ":", port_);
    case Family::kIpv6:
      return absl::StrCat("[", IpString(), "]:", port_);
  }
  return "";
}

sockaddr_storage Address::ToSockaddr(socklen_t* size) const {
  sockaddr_storage storage{};
  *size = 0;
  if (family_ == Family::kIpv4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port_);
    std::memcpy(&v4->sin_addr, ip_.bytes, 4);
    *size = sizeof(sockaddr_in);
  } else if (family_ == Family::kIpv6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port_);
    v6->sin6_scope_id = scope_;
    std::memcpy(&v6->sin6_addr, ip_.bytes, 16);
    *size = sizeof(sockaddr_in6);
  } else if (family_ == Family::kUnix) {
    auto* un = reinterpret_cast<sockaddr_un*>(&storage);
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, path_->data(), path_->size());
    *size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_->size());
    if (!path_->empty() && path_->front() == '@') {
      un->sun_path[0] = '\0';
    } else {
      *size += 1;  // The terminating zero.
    }
  }
  return storage;
}

bool operator==(const Address& a, const Address& b) {
  if (a.family_ != b.family_ || a.port_ != b.port_ || a.scope_ != b.scope_) return false;
  if (a.path_ != nullptr) return *a.path_ == *b.path_;
  return std::memcmp(a.ip_.bytes, b.ip_.bytes, sizeof(a.ip_.bytes)) == 0;
}

}  // namespace proxenos::net
