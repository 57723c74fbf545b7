// ChaosClients: threads that ask, well and badly, and judge each answer by what the ledger knows.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "source/base/random.h"
#include "test/chaos/ledger.h"
#include "test/support/test_client.h"

namespace proxenos::testing {

// What is promised of the requests under one path.
struct Road {
  const char* path;
  // With retries and a host that lives: a GET that no origin began to answer and broke off
  // succeeds.
  bool sure = false;
  int most_attempts = 1;
  int timeout_ms = 0;  // Of a try. Once it is over, an answer or its end may be missing; 0: none.
};

inline constexpr int kMostAttempts = 9;  // Of roads with retries: num_retries, and the first.
inline constexpr std::array<Road, 9> kRoads = {{
    {"/kept", true, kMostAttempts},      // Retries; at least one good host at any time.
    {"/hop/kept", true, kMostAttempts},  // The same through HTTP/2 to a second listener.
    {"/dns", true, kMostAttempts},       // One of the addresses is good at any time.
    {"/plain"},                          // No retries.
    {"/hop/plain"},
    // A short timeout for each try; health checks and outlier detection.
    {"/timed", false, 3, 150},
    {"/narrow", false, 2, 1000},  // Circuit breakers of a few requests.
    {"/churn"},                   // Its cluster comes and goes.
    {"/lost"},                    // Its name may have no address.
}};

// Owner: the test. Thread: the test's.
class ChaosClients {
 public:
  ChaosClients(Ledger& ledger, uint16_t port, int count, uint64_t seed);
  ~ChaosClients() { Stop(); }

  void Stop();

  // One good GET, judged as all are; true when it was answered with 200.
  static bool Ask(Ledger& ledger, TestClient& client, const Road& road);

  // How many ended how, by status; 0 is none.
  std::string Account() const;

 private:
  void Run(uint64_t seed);

  Ledger& ledger_;
  const uint16_t port_;
  std::atomic<bool> stop_{false};
  std::array<std::atomic<uint64_t>, 600> by_status_{};
  std::vector<std::thread> threads_;
};

}  // namespace proxenos::testing
