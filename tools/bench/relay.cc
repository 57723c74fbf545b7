// relay LISTEN_PORT ORIGIN_PORT [splice]: the floor of `tools/dev bench`: moves bytes between each
// client and a connection of its own to the origin, and understands none of them. What it costs is
// what the kernel costs, so no proxy that copies through user space can do for less. With `splice`
// they pass through a pipe and never enter user space.
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
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr size_t kBufferBytes = 64 * 1024;
constexpr size_t kPipeBytes = 1024 * 1024;

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
  int pipe[2] = {-1, -1};  // With splice: what is on its way to `fd`.
  size_t piped = 0;
};

class Relay {
 public:
  Relay(int listen_port, int origin_port, bool splices)
      : origin_(Loopback(origin_port)), splices_(splices) {
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
          OnEvents(*end, events[i].events);
        }
      }
      dead_.clear();
    }
  }

 private:
  void OnEvents(End& end, uint32_t events) {
    const bool writable = (events & EPOLLOUT) != 0;
    if (writable && !end.unsent.empty()) Flush(end);
    if (writable && end.piped > 0) Splice(*end.peer);
    if (end.fd < 0 || (events & ~static_cast<uint32_t>(EPOLLOUT)) == 0) return;
    if (splices_) {
      Splice(end);
    } else {
      Move(end);
    }
  }

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
        if (splices_ && pipe2(end->pipe, O_NONBLOCK | O_CLOEXEC) == 0) {
          fcntl(end->pipe[1], F_SETPIPE_SZ, kPipeBytes);
        }
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

  // The same by splice(2).
  void Splice(End& from) {
    End& to = *from.peer;
    constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    for (;;) {
      const ssize_t got = splice(from.fd, nullptr, to.pipe[1], nullptr, kPipeBytes, kFlags);
      if (got == 0 || (got < 0 && errno != EAGAIN)) {
        Close(from);
        return;
      }
      if (got > 0) to.piped += static_cast<size_t>(got);
      if (to.piped == 0) return;
      const ssize_t sent = splice(to.pipe[0], nullptr, to.fd, nullptr, to.piped, kFlags);
      if (sent < 0 && errno != EAGAIN) {
        Close(from);
        return;
      }
      if (sent < 0) return;  // It takes no more; another event will tell.
      to.piped -= static_cast<size_t>(sent);
      if (got < 0 && to.piped == 0) return;
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
    for (const End* each : {&client, client.peer}) {
      if (each->pipe[0] >= 0) close(each->pipe[0]);
      if (each->pipe[1] >= 0) close(each->pipe[1]);
    }
    client.fd = client.peer->fd = -1;
    dead_.push_back(std::move(pairs_[slot]));  // Events of this round may still name it.
  }

  const sockaddr_in origin_;
  const bool splices_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::vector<std::unique_ptr<Pair>> pairs_;  // By the client's descriptor.
  std::vector<std::unique_ptr<Pair>> dead_;
  char buffer_[kBufferBytes];
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && (argc != 4 || std::string(argv[3]) != "splice")) {
    std::fputs("usage: relay LISTEN_PORT ORIGIN_PORT [splice]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // splice() knows no MSG_NOSIGNAL.
  const auto relay = std::make_unique<Relay>(std::atoi(argv[1]), std::atoi(argv[2]), argc == 4);
  relay->Run();
}
