// Reading of the signalfd.
#include "source/server/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "source/base/check.h"

namespace proxenos::server {
namespace {

sigset_t Handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void Signals::Block() {
  const sigset_t set = Handled();
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signal(SIGPIPE, SIG_IGN);
}

Signals::Signals(event::EventLoop& loop, absl::AnyInvocable<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  const sigset_t set = Handled();
  fd_ = net::UniqueFd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  CHECK(fd_.valid());
  loop.WatchLevel(fd_.get(), EPOLLIN, this);
}

void Signals::OnIo(uint32_t) {
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace proxenos::server
