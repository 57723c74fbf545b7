// Broken: whether a client has broken its connection, for who waits for something else and leaves
// unread what came: a read would not tell before that is taken.
#pragma once

#include <poll.h>

#include "source/net/connection.h"

namespace proxenos::downstream {

// No more than a system call, and that only where events said that the peer is gone. A client that
// has but sent all it will has not broken it.
inline bool Broken(const net::Connection& socket) {
  if (!socket.peer_closed()) return false;
  pollfd asked{socket.fd(), 0, 0};
  return poll(&asked, 1, 0) == 1 && (asked.revents & (POLLERR | POLLNVAL)) != 0;
}

}  // namespace proxenos::downstream
