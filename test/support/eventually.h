// Eventually: waits for what another process does and cannot announce. Within a process, wait for
// the event itself (Gate, a condition variable, a blocking read) instead.
#pragma once

#include <poll.h>

#include <chrono>

#include "absl/functional/function_ref.h"
#include "test/support/socket.h"

namespace proxenos::testing {

// True as soon as `holds` does; false when it does not within kPatienceSeconds.
inline bool Eventually(absl::FunctionRef<bool()> holds) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace proxenos::testing
