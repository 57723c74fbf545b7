// Reading, writing and closing of one socket.
#include "source/net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "source/base/limits.h"

namespace proxenos::net {
namespace {

constexpr int kMaxIovecs = 64;

ssize_t Send(int fd, const iovec* parts, int count) {
  if (count == 1) return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<size_t>(count);
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

Connection::Connection(event::EventLoop& loop, int fd, event::IoHandler* handler) : fd_(fd) {
  loop.Watch(fd, handler);
}

void Connection::Note(uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_closed_ = true;
  if ((events & EPOLLOUT) != 0) writable_ = true;
}

Connection::ReadStatus Connection::Read(buffer::Slice* bytes) {
  if (!open()) return ReadStatus::kError;
  char* room;
  uint32_t size;
  const bool fresh = held_.empty();
  if (fresh) {
    const auto lent = buffer::SlabPool::ThisThread().Lend(base::limits::kMinReadBytes);
    room = lent.data;
    size = lent.size;
  } else {
    if (held_.TailRoom() == 0) {
      buffer::Slice larger = buffer::Slice::WithCapacity(std::max(2 * held_.size(), 1024u));
      std::memcpy(larger.data(), held_.data(), held_.size());
      larger.Grow(held_.size());
      held_ = std::move(larger);
    }
    room = held_.data() + held_.size();
    size = held_.TailRoom();
  }
  ssize_t n;
  do {
    n = recv(fd_, room, size, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    bytes_read_ += static_cast<uint64_t>(n);
    // A short read drained the socket: the next edge will tell. But the peer's end comes with the
    // edge that brought the last bytes, and only a further read sees it.
    readable_ = static_cast<uint32_t>(n) == size || peer_closed_;
    if (fresh) {
      *bytes = buffer::SlabPool::ThisThread().Take(static_cast<uint32_t>(n));
    } else {
      held_.Grow(static_cast<uint32_t>(n));
      *bytes = std::move(held_);
    }
    return ReadStatus::kBytes;
  }
  if (n < 0 && errno == EAGAIN) {
    readable_ = false;
    return ReadStatus::kNothing;
  }
  readable_ = false;
  return n == 0 ? ReadStatus::kEnd : ReadStatus::kError;
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

Connection::FlushStatus Connection::Flush() {
  if (!open()) return FlushStatus::kError;
  while (!out_.empty()) {
    if (!writable_) return FlushStatus::kBlocked;
    iovec parts[kMaxIovecs];
    const int count = out_.Gather(parts, kMaxIovecs);
    const ssize_t n = Send(fd_, parts, count);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != ENOTCONN) return FlushStatus::kError;
      writable_ = false;
      return FlushStatus::kBlocked;
    }
    bytes_written_ += static_cast<uint64_t>(n);
    out_.Drain(static_cast<uint64_t>(n));
  }
  return FlushStatus::kDone;
}

void Connection::ShutdownWrite() {
  if (open()) shutdown(fd_, SHUT_WR);
}

int Connection::TakeError() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (!open() || getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void Connection::Close(bool reset) {
  if (!open()) return;
  if (reset) {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  close(fd_);  // Also ends the registration with epoll.
  fd_ = -1;
  out_.Clear();
  held_ = buffer::Slice();
}

}  // namespace proxenos::net
