// BandwidthLimit: bodies go on no faster than a rate that all streams of the filter share, on all
// workers. A second's worth may go at once.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::bandwidth_limit {

// When bytes are through that go one after another at a rate. Thread: any.
class Pace {
 public:
  explicit Pace(uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // How long `bytes` have to wait that come at `now`; 0: they may go at once.
  base::Nanos Enter(uint64_t bytes, base::MonoTime now);

 private:
  const uint64_t bytes_per_second_;  // Not 0.
  std::atomic<base::MonoTime> through_{0};
};

// envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit, of the filter or a route.
struct Settings {
  runtime::FlagSetting enabled{true};
  // All streams that have these settings; null: no limit.
  std::unique_ptr<Pace> request_pace;
  std::unique_ptr<Pace> response_pace;
};

// Scope: STAT_PREFIX.http_bandwidth_limit. One group a worker.
#define PX_BANDWIDTH_LIMIT_STATS(X)        \
  X(Counter, request_enabled)              \
  X(Counter, request_enforced)             \
  X(Counter, request_incoming_total_size)  \
  X(Counter, response_enabled)             \
  X(Counter, response_enforced)            \
  X(Counter, response_incoming_total_size) \
  X(Gauge, request_pending)                \
  X(Gauge, response_pending)
PX_STATS(BandwidthStats, PX_BANDWIDTH_LIMIT_STATS);

struct BandwidthPart final : public filter::WorkerPart {
  stats::Group<BandwidthStats> stats;
};

class BandwidthLimit final : public filter::HttpFilter {
 public:
  BandwidthLimit(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream);

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  void OnLocalReply() override;
  void OnComplete() override;

 private:
  filter::Verdict Hold(filter::Direction direction, uint64_t bytes);
  void Release(filter::Direction direction);
  // Nothing waits any more.
  void Forget(filter::Direction direction);
  void CountPending(filter::Direction direction, bool begins);

  const Settings& settings_;
  const bool enabled_;
  filter::StreamContext& stream_;
  BandwidthPart* const part_;      // May be null.
  bool held_[2] = {false, false};  // By Direction: a piece waits.
  event::Timer timers_[2];
};

}  // namespace proxenos::filters::bandwidth_limit
