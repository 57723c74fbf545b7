// Reading, writing and closing of one socket.
#include "source/net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "source/base/check.h"
#include "source/base/limits.h"

namespace proxenos::net {
namespace {

constexpr int kMaxIovecs = 64;

// recv() and send() are cancellation points: in a process with threads each call costs two locked
// operations more than the system call itself.
ssize_t Receive(int fd, char* room, size_t size) {
  return syscall(SYS_recvfrom, fd, room, size, 0, nullptr, nullptr);
}

ssize_t Send(int fd, const iovec* parts, int count) {
  if (count == 1) {
    return syscall(SYS_sendto, fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL, nullptr, 0);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<size_t>(count);
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      watched_(other.watched_),
      readable_(other.readable_),
      writable_(other.writable_),
      blocked_(other.blocked_),
      peer_closed_(other.peer_closed_),
      reset_by_peer_(other.reset_by_peer_),
      held_(std::move(other.held_)),
      out_(std::move(other.out_)),
      transport_(std::move(other.transport_)),
      bytes_read_(other.bytes_read_),
      bytes_written_(other.bytes_written_) {}

void Connection::Watch(event::EventLoop& loop, event::IoHandler* handler) {
  if (watched_) {
    loop.Rewatch(fd_, handler);
  } else {
    loop.Watch(fd_, handler);
  }
  watched_ = true;
}

void Connection::Unwatch(event::EventLoop& loop) {
  DCHECK(watched_ && held_.empty() && out_.empty() && transport_ == nullptr);
  loop.Unwatch(fd_);
  watched_ = false;
  readable_ = true;  // Who takes it over has seen no edge yet.
}

void Connection::Note(uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
  if ((events & EPOLLOUT) != 0) writable_ = true;
}

ReadStatus Connection::Read(buffer::Slice* bytes) {
  if (!open()) return ReadStatus::kError;
  return transport_ == nullptr ? ReadPlain(bytes) : ReadTransport(bytes);
}

ReadStatus Connection::Peek(char* room, uint32_t size, uint32_t* got) {
  if (!open()) return ReadStatus::kError;
  ssize_t n;
  do {
    n = recv(fd_, room, size, MSG_PEEK);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    *got = static_cast<uint32_t>(n);
    return ReadStatus::kBytes;
  }
  if (n < 0 && errno == EAGAIN) return ReadStatus::kNothing;
  return n == 0 ? ReadStatus::kEnd : ReadStatus::kError;
}

void Connection::Skip(uint32_t n) {
  char dropped[512];
  while (n > 0) {
    const ssize_t took = Receive(fd_, dropped, std::min<size_t>(n, sizeof(dropped)));
    if (took < 0 && errno == EINTR) continue;
    if (took <= 0) return;  // The peer's reset came in between: the next read tells.
    bytes_read_ += static_cast<uint64_t>(took);
    n -= static_cast<uint32_t>(took);
  }
}

ReadStatus Connection::ReadRaw(char* room, uint32_t size, uint32_t* got) {
  if (!open()) return ReadStatus::kError;
  ssize_t n;
  do {
    n = Receive(fd_, room, size);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    bytes_read_ += static_cast<uint64_t>(n);
    // A short read drained the socket: the next edge will tell. But the peer's end comes with the
    // edge that brought the last bytes, and only a further read sees it.
    readable_ = static_cast<uint32_t>(n) == size || peer_closed_;
    *got = static_cast<uint32_t>(n);
    return ReadStatus::kBytes;
  }
  readable_ = false;
  if (n < 0 && errno == EAGAIN) return ReadStatus::kNothing;
  if (n < 0 && errno == ECONNRESET) reset_by_peer_ = true;
  return n == 0 ? ReadStatus::kEnd : ReadStatus::kError;
}

ReadStatus Connection::ReadPlain(buffer::Slice* bytes) {
  uint32_t got;
  if (held_.empty()) {
    const auto lent = buffer::SlabPool::ThisThread().Lend(base::limits::kMinReadBytes);
    const ReadStatus status = ReadRaw(lent.data, lent.size, &got);
    if (status == ReadStatus::kBytes) *bytes = buffer::SlabPool::ThisThread().Take(got);
    return status;
  }
  if (held_.TailRoom() == 0) GrowHeld(1);
  const ReadStatus status = ReadRaw(held_.data() + held_.size(), held_.TailRoom(), &got);
  if (status != ReadStatus::kBytes) return status;
  held_.Grow(got);
  *bytes = std::move(held_);
  return status;
}

ReadStatus Connection::ReadTransport(buffer::Slice* bytes) {
  buffer::Slice arrived;
  const ReadStatus status = transport_->Read(*this, &arrived);
  if (status != ReadStatus::kBytes) return status;
  if (held_.empty()) {
    *bytes = std::move(arrived);
    return status;
  }
  if (held_.TailRoom() < arrived.size()) GrowHeld(arrived.size());
  std::memcpy(held_.data() + held_.size(), arrived.data(), arrived.size());
  held_.Grow(arrived.size());
  *bytes = std::move(held_);
  return status;
}

// Moves what is held to a block with room for that many bytes more.
void Connection::GrowHeld(uint32_t room) {
  buffer::Slice larger =
      buffer::Slice::WithCapacity(std::max({2 * held_.size(), held_.size() + room, 1024u}));
  std::memcpy(larger.data(), held_.data(), held_.size());
  larger.Grow(held_.size());
  held_ = std::move(larger);
}

void Connection::Hold(buffer::Slice rest) {
  if (rest.empty()) {
    held_ = buffer::Slice();
    return;
  }
  // A few bytes must not keep a whole lent slab from being used.
  if (rest.slab_capacity() > 2 * rest.size() + 1024 || rest.TailRoom() == 0) {
    buffer::Slice own = buffer::Slice::WithCapacity(std::max(rest.size() + rest.size() / 2, 512u));
    std::memcpy(own.data(), rest.data(), rest.size());
    own.Grow(rest.size());
    rest = std::move(own);
  }
  held_ = std::move(rest);
}

FlushStatus Connection::Flush() {
  if (!open()) return FlushStatus::kError;
  const FlushStatus status =
      transport_ == nullptr ? WriteRaw(out_) : transport_->Flush(*this, out_);
  blocked_ = status == FlushStatus::kBlocked;
  return status;
}

FlushStatus Connection::WriteRaw(buffer::Buffer& out) {
  if (!open()) return FlushStatus::kError;
  while (!out.empty()) {
    if (!writable_) return FlushStatus::kBlocked;
    iovec parts[kMaxIovecs];
    const int count = out.Gather(parts, kMaxIovecs);
    const ssize_t n = Send(fd_, parts, count);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == ECONNRESET) reset_by_peer_ = true;
      if (errno != EAGAIN && errno != ENOTCONN) return FlushStatus::kError;
      writable_ = false;
      return FlushStatus::kBlocked;
    }
    bytes_written_ += static_cast<uint64_t>(n);
    out.Drain(static_cast<uint64_t>(n));
  }
  return FlushStatus::kDone;
}

void Connection::ShutdownWrite() {
  if (!open()) return;
  if (transport_ != nullptr && out_.empty()) transport_->ShutdownWrite(*this);
  shutdown(fd_, SHUT_WR);
}

int Connection::TakeError() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (!open() || getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void Connection::Close(bool reset) {
  if (!open()) return;
  if (transport_ != nullptr && !reset && !blocked_ && out_.empty()) {
    transport_->ShutdownWrite(*this);  // Never where bytes are missing: they would not be missed.
  }
  if (reset) {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  close(fd_);  // Also ends the registration with epoll.
  fd_ = -1;
  reset_by_us_ = reset;
  out_.Clear();
  held_ = buffer::Slice();
}

}  // namespace proxenos::net
