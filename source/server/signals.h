// Signals: the process's signals as events of the main loop, through a signalfd: no code of ours
// runs in a signal handler.
//
// Owner: the Server. Thread: main.
#pragma once

#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"
#include "source/net/socket.h"

namespace proxenos::server {

class Signals final : public event::IoHandler {
 public:
  // Blocks the signals in this thread, and in those it starts: call before any thread exists.
  static void Block();

  Signals(event::EventLoop& loop, absl::AnyInvocable<void(int signal)> on_signal);

  void OnIo(uint32_t events) override;

 private:
  net::UniqueFd fd_;
  absl::AnyInvocable<void(int)> on_signal_;
};

}  // namespace proxenos::server
