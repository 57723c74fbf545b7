// recvmmsg(2), sendmsg(2), and what travels beside the bytes.
#include "source/net/datagram.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/net/socket_options.h"

namespace proxenos::net {
namespace {

// Before the socket is bound.
absl::Status SetOptions(int fd, const Address& address, const ListenOptions& options) {
  const bool ipv6 = address.family() == Address::Family::kIpv6;
  absl::Status set = SetBindOptions(fd, address, options);
  if (!set.ok()) return set;
  // An answer has to come from where the client wrote to, which only the kernel knows.
  if (IsAnyAddress(address) && !SetSocketOption(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                                ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1)) {
    return SocketError("cannot learn where clients write to at", address);
  }
  SetSocketOption(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  return SetNumberedOptions(fd, address, options.options, SocketOption::When::kBeforeBind);
}

absl::StatusOr<UniqueFd> MakeSocket(const Address& address) {
  if (!address.is_ip()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no datagrams can be exchanged with ", address.ToString()));
  }
  UniqueFd fd(socket(DomainOf(address), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return SocketError("cannot make a socket for", address);
  return fd;
}

// The address in a piece of control data, without a port.
Address LocalIn(const cmsghdr& part) {
  if (part.cmsg_level == IPPROTO_IP && part.cmsg_type == IP_PKTINFO) {
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(&part), sizeof(info));
    sockaddr_in local = {};
    local.sin_family = AF_INET;
    local.sin_addr = info.ipi_addr;
    return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&local), sizeof(local));
  }
  if (part.cmsg_level == IPPROTO_IPV6 && part.cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info;
    std::memcpy(&info, CMSG_DATA(&part), sizeof(info));
    sockaddr_in6 local = {};
    local.sin6_family = AF_INET6;
    local.sin6_addr = info.ipi6_addr;
    return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&local), sizeof(local));
  }
  return Address();
}

// Makes `header` say that it is sent from there. `control` outlives it.
template <typename Info>
void SayFrom(int level, int type, const Info& info, char* control, msghdr& header) {
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(sizeof(info));
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(part), &info, sizeof(info));
}

void SayFrom(const Address& from, char* control, msghdr& header) {
  const absl::string_view ip = from.IpBytes();
  if (ip.size() == 4) {
    in_pktinfo info = {};
    std::memcpy(&info.ipi_spec_dst, ip.data(), ip.size());
    SayFrom(IPPROTO_IP, IP_PKTINFO, info, control, header);
  } else if (ip.size() == 16) {
    in6_pktinfo info = {};
    std::memcpy(&info.ipi6_addr, ip.data(), ip.size());
    SayFrom(IPPROTO_IPV6, IPV6_PKTINFO, info, control, header);
  }
}

}  // namespace

bool IsAnyAddress(const Address& address) {
  return address.is_ip() && address.IpBytes().find_first_not_of('\0') == absl::string_view::npos;
}

absl::StatusOr<UniqueFd> BindDatagramSocket(const Address& address, const ListenOptions& options) {
  absl::StatusOr<UniqueFd> fd = MakeSocket(address);
  if (!fd.ok()) return fd.status();
  absl::Status status = SetOptions(fd->get(), address, options);
  if (status.ok()) status = BindSocket(fd->get(), address);
  if (status.ok()) {
    status = SetNumberedOptions(fd->get(), address, options.options, SocketOption::When::kBound);
  }
  if (!status.ok()) return status;
  return fd;
}

absl::StatusOr<UniqueFd> ConnectDatagramSocket(const Address& peer, const Address* source) {
  absl::StatusOr<UniqueFd> fd = MakeSocket(peer);
  if (!fd.ok()) return fd.status();
  SetSocketOption(fd->get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (source != nullptr) {
    const absl::Status bound = BindSocket(fd->get(), *source);
    if (!bound.ok()) return bound;
  }
  socklen_t size;
  const sockaddr_storage storage = peer.ToSockaddr(&size);
  if (connect(fd->get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return SocketError("cannot connect to", peer);
  }
  return fd;
}

int SendDatagram(int fd, absl::string_view bytes, const Address& peer, const Address* from) {
  socklen_t size;
  sockaddr_storage storage = peer.ToSockaddr(&size);
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  msghdr header = {};
  header.msg_name = &storage;
  header.msg_namelen = size;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (from != nullptr) SayFrom(*from, control, header);
  while (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

uint32_t DroppedByKernel(int fd) {
  uint32_t numbers[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(numbers);
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, numbers, &size) != 0) return 0;
  return numbers[SK_MEMINFO_DROPS];
}

DatagramReader::DatagramReader(uint32_t max_bytes)
    : max_bytes_(max_bytes),
      batch_(std::clamp<size_t>(kMaxBytes / std::max(max_bytes, 1u), 1, kMaxBatch)) {}

void DatagramReader::Prepare() {
  if (memory_ == nullptr) {
    memory_ = std::make_unique<Memory>();
    bytes_ = std::make_unique<char[]>(batch_ * max_bytes_);
    read_.reserve(batch_);
  }
  for (size_t i = 0; i < batch_; ++i) {
    memory_->pieces[i] = {bytes_.get() + i * max_bytes_, max_bytes_};
    msghdr& header = memory_->messages[i].msg_hdr;
    header = {};
    header.msg_name = &memory_->peers[i];
    header.msg_namelen = sizeof(memory_->peers[i]);
    header.msg_iov = &memory_->pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = memory_->control[i];
    header.msg_controllen = sizeof(memory_->control[i]);
  }
  read_.clear();
}

void DatagramReader::ReadControl(msghdr& header, Datagram& datagram, Result& result) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
      uint32_t dropped;
      std::memcpy(&dropped, CMSG_DATA(part), sizeof(dropped));
      result.dropped_by_kernel = dropped;
    } else if (Address local = LocalIn(*part); local.is_ip()) {
      datagram.local = std::move(local);
    }
  }
}

DatagramReader::Result DatagramReader::Read(int fd) {
  Prepare();
  Result result;
  int count;
  do {
    count = recvmmsg(fd, memory_->messages, static_cast<unsigned>(batch_), MSG_DONTWAIT, nullptr);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) result.error = errno;
    return result;
  }
  for (int i = 0; i < count; ++i) {
    mmsghdr& message = memory_->messages[i];
    Datagram datagram;
    ReadControl(message.msg_hdr, datagram, result);
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      ++result.too_long;
      continue;
    }
    datagram.bytes =
        absl::string_view(bytes_.get() + static_cast<size_t>(i) * max_bytes_, message.msg_len);
    if (message.msg_hdr.msg_namelen >= sizeof(sockaddr_in)) {
      datagram.peer = Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&memory_->peers[i]),
                                            message.msg_hdr.msg_namelen);
    }
    read_.push_back(std::move(datagram));
  }
  result.datagrams = read_;
  result.more = static_cast<size_t>(count) == batch_;
  return result;
}

}  // namespace proxenos::net
