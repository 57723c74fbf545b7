// Load: many clients that ask and ask again over kept connections, and a strict account of what
// they got. A client honours "Connection: close" and comes back on a new connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/support/http_text.h"
#include "test/support/test_client.h"

namespace proxenos::testing {

class Load {
 public:
  struct Options {
    int clients = 8;
    std::string target = "/";
    // A client that is told to close its connection is done, instead of coming back.
    bool until_told_to_close = false;
  };

  Load(uint16_t port, const Options& options);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  // Waits until so many requests have been answered. False when some client gave up.
  bool WaitForRequests(uint64_t count) const;
  // Lets each client finish its request, and waits for all of them.
  void Stop();
  // Waits until all clients have ended by themselves.
  void Join();

  uint64_t answered() const { return answered_.load(); }
  uint64_t failed() const { return failed_.load(); }
  // What the first failure was.
  std::string first_failure() const;

 private:
  void Run();
  // False: this client is done.
  bool Ask(TestClient& client);
  void Fail(const std::string& what);

  const uint16_t port_;
  const Options options_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> answered_{0};
  std::atomic<uint64_t> failed_{0};
  mutable std::mutex mutex_;
  std::string first_failure_;  // Guarded by mutex_.
  std::vector<std::thread> threads_;
};

}  // namespace proxenos::testing
