// Windows and limits.
#include "source/filters/http/adaptive_concurrency/gradient.h"

#include <algorithm>
#include <cmath>

namespace proxenos::filters::adaptive_concurrency {
namespace {

// How far one window may move the limit.
constexpr double kLeastGradient = 0.5;
constexpr double kMostGradient = 2.0;
// So many windows at the lowest limit mean that minRTT is not what it was.
constexpr int kMeasureAgainAfter = 5;

uint64_t Milliseconds(base::Nanos time) { return static_cast<uint64_t>(time / base::kMillisecond); }

}  // namespace

bool Gradient::Begin(base::MonoTime now) {
  if (now >= next_turn_.load(std::memory_order_relaxed)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Turn(now);
  }
  uint64_t before = under_way_.load(std::memory_order_relaxed);
  do {
    if (before >= limit_.load(std::memory_order_relaxed)) return false;
  } while (!under_way_.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
  return true;
}

void Gradient::End(bool answered, base::MonoTime began, base::MonoTime now, uint64_t random) {
  under_way_.fetch_sub(1, std::memory_order_relaxed);
  if (!answered) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (began < measuring_from_) return;
  samples_.Record(now - began);
  if (measuring_ && samples_.count() >= settings_.min_rtt_requests) {
    EndMinRtt(now, random);
  } else {
    Turn(now);
  }
}

void Gradient::Attach(GradientGauges& gauges) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (gauges_ == nullptr) gauges_ = &gauges;
}

void Gradient::Detach(GradientGauges& gauges) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (gauges_ == &gauges) gauges_ = nullptr;
}

// The first request opens the first window.
void Gradient::Open(base::MonoTime now) {
  next_sample_ = now + settings_.sample_window;
  if (settings_.min_rtt_interval > 0) return BeginMinRtt(now);
  min_rtt_ = settings_.fixed_min_rtt;
  SetLimit(settings_.min_limit, now);
}

void Gradient::Turn(base::MonoTime now) {
  if (limit_.load(std::memory_order_relaxed) == 0) Open(now);
  if (!measuring_ && now >= next_sample_) EndSampling(now);
  if (!measuring_ && now >= next_min_rtt_) BeginMinRtt(now);
  Publish();
}

void Gradient::Publish() {
  // While minRTT is measured, its last sample ends the window and no clock.
  next_turn_.store(measuring_ ? base::kNever : std::min(next_sample_, next_min_rtt_),
                   std::memory_order_relaxed);
  if (gauges_ == nullptr) return;
  gauges_->concurrency_limit.Set(limit_.load(std::memory_order_relaxed));
  gauges_->gradient.Set(static_cast<uint64_t>(last_gradient_ * 1000));
  gauges_->burst_queue_size.Set(static_cast<uint64_t>(last_burst_));
  gauges_->min_rtt_msecs.Set(Milliseconds(min_rtt_));
  gauges_->sample_rtt_msecs.Set(Milliseconds(sample_rtt_));
  gauges_->min_rtt_calculation_active.Set(measuring_ ? 1 : 0);
}

void Gradient::BeginMinRtt(base::MonoTime now) {
  if (measuring_) return;
  measuring_ = true;
  limit_after_ = limit_.load(std::memory_order_relaxed);
  measuring_from_ = now;
  samples_.Clear();
  SetLimit(settings_.min_concurrency, now);
}

void Gradient::EndMinRtt(base::MonoTime now, uint64_t random) {
  min_rtt_ = Summarize();
  SetLimit(limit_after_ == 0 ? settings_.min_concurrency : limit_after_, now);
  measuring_ = false;
  const auto most =
      static_cast<uint64_t>(static_cast<double>(settings_.min_rtt_interval) * settings_.jitter);
  const base::Nanos jitter = most == 0 ? 0 : static_cast<base::Nanos>(random % most);
  next_min_rtt_ = now + settings_.min_rtt_interval + jitter;
  next_sample_ = now + settings_.sample_window;
  Publish();
}

void Gradient::EndSampling(base::MonoTime now) {
  next_sample_ = now + settings_.sample_window;
  if (samples_.count() == 0) return;
  sample_rtt_ = Summarize();
  SetLimit(NewLimit(), now);
}

uint64_t Gradient::NewLimit() {
  const double target = static_cast<double>(min_rtt_) * (1 + settings_.buffer);
  last_gradient_ = std::clamp(target / std::max(static_cast<double>(sample_rtt_), 1.0),
                              kLeastGradient, kMostGradient);
  const double limit = static_cast<double>(limit_.load(std::memory_order_relaxed)) * last_gradient_;
  last_burst_ = std::sqrt(limit);
  return static_cast<uint64_t>(std::clamp(limit + last_burst_,
                                          static_cast<double>(settings_.min_limit),
                                          static_cast<double>(settings_.max_limit)));
}

void Gradient::SetLimit(uint64_t limit, base::MonoTime now) {
  const uint64_t before = limit_.exchange(limit, std::memory_order_relaxed);
  const bool stays = !measuring_ && before == settings_.min_limit && limit == settings_.min_limit;
  lowest_in_a_row_ = stays ? lowest_in_a_row_ + 1 : 0;
  if (lowest_in_a_row_ < kMeasureAgainAfter || settings_.min_rtt_interval == 0) return;
  lowest_in_a_row_ = 0;
  BeginMinRtt(now);
}

base::Nanos Gradient::Summarize() {
  const base::Nanos summary = samples_.Percentile(settings_.percentile);
  samples_.Clear();
  return summary;
}

}  // namespace proxenos::filters::adaptive_concurrency
