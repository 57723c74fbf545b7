// BrokenWire: carries TCP connections to another port, until it is told not to: it cuts them, keeps
// them open without a word in either direction, or refuses new ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "test/support/socket.h"

namespace proxenos::testing {

// Thread: the test's. It keeps its port while it refuses.
class BrokenWire {
 public:
  explicit BrokenWire(uint16_t target);
  ~BrokenWire();

  uint16_t port() const { return port_; }
  // Ends all connections now: what a peer sees when the other's process is killed.
  void Cut();
  // New connections are refused, and all are cut; Accept undoes it.
  void Refuse();
  void Accept();
  // Bytes go nowhere, in both directions, and no connection ends.
  void Freeze() { frozen_ = true; }
  void Thaw() { frozen_ = false; }

 private:
  struct Pair {
    Socket near;
    Socket far;
    std::thread thread;
    std::atomic<bool> cut{false};
    bool ended = false;  // Guarded by mutex_.
  };

  void Listen();
  void TakeConnections();
  void Carry(Pair& pair);
  void Reap();

  const uint16_t target_;
  uint16_t port_ = 0;
  std::atomic<bool> frozen_{false};
  std::optional<ListenSocket> listener_;
  std::thread acceptor_;
  std::mutex mutex_;
  std::list<Pair> pairs_;  // Guarded by mutex_.
};

}  // namespace proxenos::testing
