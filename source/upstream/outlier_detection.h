// OutlierDetection: when hosts are taken out of rotation because of what they answer:
// cluster.v3.OutlierDetection compiled, and the counts of one host that it is judged by.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::upstream {

// Why a host may be ejected: data.cluster.v3.OutlierEjectionType, with its numbers.
enum class Ejection : uint8_t {
  kConsecutive5xx,
  kConsecutiveGatewayFailure,
  kSuccessRate,
  kConsecutiveLocalOriginFailure,
  kSuccessRateLocalOrigin,
  kFailurePercentage,
  kFailurePercentageLocalOrigin,
};
inline constexpr size_t kEjections = 7;

// Immutable.
struct OutlierDetection {
  uint32_t consecutive_5xx = 5;
  uint32_t consecutive_gateway_failure = 5;
  uint32_t consecutive_local_origin_failure = 5;
  // Failures of ours to reach a host (connect, timeout, reset) are told apart from what it answers.
  bool split = false;

  base::Nanos interval = 10 * base::kSecond;
  base::Nanos base_ejection_time = 30 * base::kSecond;
  base::Nanos max_ejection_time = 300 * base::kSecond;
  base::Nanos max_ejection_time_jitter = 0;
  uint32_t max_ejection_percent = 10;
  bool always_eject_one_host = false;
  bool successful_active_check_unejects = true;
  // Hosts that answer with x-envoy-degraded are used as little as others that say so to checks.
  bool detect_degraded = false;

  // In percent: how often what was detected leads to an ejection. By Ejection.
  std::array<uint32_t, kEjections> enforcing = {100, 0, 100, 100, 100, 0, 0};

  uint32_t success_rate_minimum_hosts = 5;
  uint32_t success_rate_request_volume = 100;
  uint32_t success_rate_stdev_factor = 1900;  // Thousandths.
  uint32_t failure_percentage_threshold = 85;
  uint32_t failure_percentage_minimum_hosts = 5;
  uint32_t failure_percentage_request_volume = 50;

  uint32_t Enforcing(Ejection kind) const { return enforcing[static_cast<size_t>(kind)]; }
};

// What one host answered in a row and in this interval.
//
// Invariant: written by workers and, to begin anew, by the main thread; each word by itself is
// right, so that a threshold is met by exactly one worker. Thread: any.
class OutlierCounts {
 public:
  // Two numbers in one word, so that they are read together.
  struct Rate {
    uint32_t successes = 0;
    uint32_t total = 0;
  };

  // True when this failure is the `threshold`th in a row.
  static bool CountFailure(std::atomic<uint32_t>& count, uint32_t threshold) {
    return count.fetch_add(1, std::memory_order_relaxed) + 1 == threshold;
  }
  // A write would take the line away from other workers, and nearly always there is nothing to do.
  static void Forget(std::atomic<uint32_t>& count) {
    if (count.load(std::memory_order_relaxed) != 0) count.store(0, std::memory_order_relaxed);
  }
  static void CountRequest(std::atomic<uint64_t>& rate, bool success) {
    rate.fetch_add(kOne | (success ? 1 : 0), std::memory_order_relaxed);
  }
  static Rate TakeRate(std::atomic<uint64_t>& rate) {
    const uint64_t word = rate.exchange(0, std::memory_order_relaxed);
    return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
  }

  void ForgetFailures() {
    Forget(consecutive_5xx);
    Forget(consecutive_gateway_failure);
    Forget(consecutive_local_failure);
  }

  std::atomic<uint32_t> consecutive_5xx{0};
  std::atomic<uint32_t> consecutive_gateway_failure{0};
  std::atomic<uint32_t> consecutive_local_failure{0};
  std::atomic<uint64_t> external{0};  // What it answered.
  std::atomic<uint64_t> local{0};     // Whether it could be reached; counted where split.

 private:
  static constexpr uint64_t kOne = uint64_t{1} << 32;
};

}  // namespace proxenos::upstream
