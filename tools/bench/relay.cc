// relay LISTEN_PORT ORIGIN_PORT: the floor of `tools/dev bench`: moves bytes between each client
// and a connection of its own to the origin, and understands none of them. What it costs is what
// the kernel costs, so no proxy that copies through user space can do for less.
//
// One thread, epoll edge-triggered, one read and one write for each event.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr size_t kBufferBytes = 64 * 1024;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One of the two sockets of a pair.
struct End {
  int fd = -1;
  End* peer = nullptr;
  bool is_client = false;
  std::string
      unsent;  // What the kernel did not take yet; while there is some, the peer is not read.
};

class Relay {
 public:
  Relay(int listen_port, int origin_port) : origin_(Loopback(origin_port)) {
    const int on = 1;
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const sockaddr_in address = Loopback(listen_port);
    const bool bound =
        bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    if (!bound || listen(listener_, 4096) != 0) {
      std::perror("relay: listen");
      std::exit(1);
    }
    Watch(listener_, nullptr, EPOLLIN);
  }

  void Run() {
    epoll_event events[256];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        auto* end = static_cast<End*>(events[i].data.ptr);
        if (end == nullptr) {
          Accept();
        } else if (end->fd >= 0) {
          if ((events[i].events & EPOLLOUT) != 0 && !end->unsent.empty()) Flush(*end);
          if (end->fd >= 0 && (events[i].events & ~EPOLLOUT) != 0) Move(*end);
        }
      }
      dead_.clear();
    }
  }

 private:
  struct Pair {
    End client;
    End origin;
  };

  void Watch(int fd, End* end, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    const int on = 1;
    int fd;
    while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      auto pair = std::make_unique<Pair>();
      pair->client.fd = fd;
      pair->client.is_client = true;
      pair->origin.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      pair->client.peer = &pair->origin;
      pair->origin.peer = &pair->client;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      setsockopt(pair->origin.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      connect(pair->origin.fd, reinterpret_cast<const sockaddr*>(&origin_), sizeof(origin_));
      for (End* end : {&pair->client, &pair->origin}) {
        Watch(end->fd, end, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
      }
      if (static_cast<size_t>(fd) >= pairs_.size()) pairs_.resize(static_cast<size_t>(fd) + 1);
      pairs_[static_cast<size_t>(fd)] = std::move(pair);
    }
  }

  // Reads from one end until it is empty, and writes to the other.
  void Move(End& from) {
    End& to = *from.peer;
    while (to.unsent.empty()) {
      const ssize_t got = recv(from.fd, buffer_, kBufferBytes, 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        Close(from);
        return;
      }
      const auto size = static_cast<size_t>(got);
      const ssize_t sent = send(to.fd, buffer_, size, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) {
        Close(from);
        return;
      }
      const size_t done = sent < 0 ? 0 : static_cast<size_t>(sent);
      if (done < size) to.unsent.assign(buffer_ + done, size - done);
      if (size < kBufferBytes) return;  // There was no more; another event will tell.
    }
  }

  void Flush(End& end) {
    const ssize_t sent = send(end.fd, end.unsent.data(), end.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      Close(end);
      return;
    }
    if (sent > 0) end.unsent.erase(0, static_cast<size_t>(sent));
    if (end.unsent.empty()) Move(*end.peer);  // What came meanwhile gave an event long ago.
  }

  void Close(End& end) {
    End& client = end.is_client ? end : *end.peer;
    const auto slot = static_cast<size_t>(client.fd);
    close(client.fd);
    close(client.peer->fd);
    client.fd = client.peer->fd = -1;
    dead_.push_back(std::move(pairs_[slot]));  // Events of this round may still name it.
  }

  const sockaddr_in origin_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::vector<std::unique_ptr<Pair>> pairs_;  // By the client's descriptor.
  std::vector<std::unique_ptr<Pair>> dead_;
  char buffer_[kBufferBytes];
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: relay LISTEN_PORT ORIGIN_PORT\n", stderr);
    return 2;
  }
  const auto relay = std::make_unique<Relay>(std::atoi(argv[1]), std::atoi(argv[2]));
  relay->Run();
}
