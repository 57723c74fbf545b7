// Gradient: how many requests may be under way at once, adjusted to how long they take: the limit
// shrinks when they take longer than they do when hardly anything is under way (minRTT), and grows
// by the square root of itself as long as they do not.
//
// Windows change when a request finds that it is time: without requests there is nothing to learn.
// Owner: the filter's factory; all workers share one. Thread: any (atomics; a lock around samples).
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "source/base/clock.h"
#include "source/filters/http/adaptive_concurrency/samples.h"
#include "source/stats/schema.h"

namespace proxenos::filters::adaptive_concurrency {

// GradientControllerConfig. Thread: any (immutable).
struct GradientSettings {
  double percentile = 0.5;           // sample_aggregate_percentile
  uint32_t max_limit = 1000;         // max_concurrency_limit
  uint32_t min_limit = 3;            // min_concurrency_limit
  uint32_t min_concurrency = 3;      // While minRTT is measured.
  base::Nanos sample_window = 0;     // concurrency_update_interval
  base::Nanos min_rtt_interval = 0;  // 0: minRTT is `fixed_min_rtt`.
  base::Nanos fixed_min_rtt = 0;
  uint32_t min_rtt_requests = 50;
  double jitter = 0.15;  // Of min_rtt_interval.
  double buffer = 0.25;  // Of minRTT.
};

// Scope: "adaptive_concurrency.gradient_controller." below HttpScope.
#define PX_GRADIENT_GAUGES(X)              \
  X(Gauge, burst_queue_size)               \
  X(Gauge, concurrency_limit)              \
  X(Gauge, gradient) /* In thousandths. */ \
  X(Gauge, min_rtt_calculation_active)     \
  X(Gauge, min_rtt_msecs)                  \
  X(Gauge, sample_rtt_msecs)
PX_STATS(GradientGauges, PX_GRADIENT_GAUGES);

class Gradient {
 public:
  explicit Gradient(const GradientSettings& settings) : settings_(settings) {}

  // Whether a request may go on; then End follows, once.
  bool Begin(base::MonoTime now);
  // `answered`: it took the time since `began`; else nothing is learnt. `random`: for jitter.
  void End(bool answered, base::MonoTime began, base::MonoTime now, uint64_t random);

  uint64_t under_way() const { return under_way_.load(std::memory_order_relaxed); }
  // Gauges of several workers would be summed: those that came first show the controller, until
  // they are taken away.
  void Attach(GradientGauges& gauges);
  void Detach(GradientGauges& gauges);

 private:
  // All of these: with the lock held.
  void Open(base::MonoTime now);
  void Turn(base::MonoTime now);
  void BeginMinRtt(base::MonoTime now);
  void EndMinRtt(base::MonoTime now, uint64_t random);
  void EndSampling(base::MonoTime now);
  uint64_t NewLimit();
  void SetLimit(uint64_t limit, base::MonoTime now);
  base::Nanos Summarize();
  void Publish();

  const GradientSettings settings_;
  std::atomic<uint64_t> limit_{0};  // 0: nothing has come yet.
  std::atomic<uint64_t> under_way_{0};
  std::atomic<base::MonoTime> next_turn_{0};  // When a window ends.

  std::mutex mutex_;  // Guards what follows.
  Samples samples_;
  GradientGauges* gauges_ = nullptr;  // Null: nobody shows.
  double last_gradient_ = 0;
  double last_burst_ = 0;
  base::Nanos min_rtt_ = 0;
  base::Nanos sample_rtt_ = 0;
  bool measuring_ = false;             // minRTT, at the limit min_concurrency.
  uint64_t limit_after_ = 0;           // What the limit was before that; 0: there was none.
  base::MonoTime measuring_from_ = 0;  // Requests that began before count for nothing.
  base::MonoTime next_min_rtt_ = base::kNever;
  base::MonoTime next_sample_ = 0;
  int lowest_in_a_row_ = 0;  // Windows at whose end the limit stayed at the lowest.
};

}  // namespace proxenos::filters::adaptive_concurrency
