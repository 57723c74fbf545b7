// ChaosOrigin: an HTTP/1.1 origin that does what it is told, right or wrong, to each request: it
// refuses, hangs, breaks off, talks nonsense, says more than it was asked. What it did is in the
// ledger.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "source/base/random.h"
#include "test/chaos/ledger.h"
#include "test/support/http_text.h"
#include "test/support/socket.h"

namespace proxenos::testing {

// What an origin does about three of four requests; the others are answered well.
enum class Conduct {
  // With these every request is answered in the end.
  kGood,
  kSlow,       // In pieces, after a while.
  kTalkative,  // Informational responses before the answer; a second answer that nobody asked for.
  kHasty,      // Answers before it has read the body.
  // With these a request fails here.
  kHangs,     // Says nothing for a while, then closes.
  kCutsBody,  // Ends, or resets, the connection within the body.
  kCloses,    // Ends it instead of an answer.
  kNonsense,  // Something that is no response, or one whose end nobody can know.
  kServerError,
};
inline constexpr int kHarmless = 4;  // The first so many.
inline constexpr int kConducts = 9;

// Thread: any. It keeps its port while it is dead.
class ChaosOrigin {
 public:
  ChaosOrigin(Ledger& ledger, uint64_t seed);
  ~ChaosOrigin();

  uint16_t port() const { return port_; }
  void Behave(Conduct conduct) { conduct_ = conduct; }
  bool alive() const { return listener_.has_value(); }
  // As if the process were killed, and started again.
  void Kill();
  void Revive();

 private:
  struct Connection {
    Socket socket;
    std::thread thread;
    bool ended = false;  // Guarded by mutex_.
  };

  void Listen();
  void Accept();
  void Serve(Connection& connection, uint64_t seed);
  void Reap(bool all);

  Ledger& ledger_;
  base::Random random_;  // Of whoever accepts.
  std::atomic<Conduct> conduct_{Conduct::kGood};
  uint16_t port_ = 0;
  std::optional<ListenSocket> listener_;
  std::thread acceptor_;
  std::mutex mutex_;
  std::list<Connection> connections_;  // Guarded by mutex_.
};

}  // namespace proxenos::testing
