// BandwidthLimit: bodies go on no faster than a rate that all streams of the filter share, on all
// workers: of each piece as much as may go, the rest an interval later.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/base/byte_pace.h"
#include "source/base/clock.h"
#include "source/filter/http_filter.h"
#include "source/filter/paced_body.h"
#include "source/filter/stream_context.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::bandwidth_limit {

// envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit, of the filter or a route.
struct Settings {
  runtime::FlagSetting enabled{true};
  // All streams that have these settings; null: no limit.
  std::unique_ptr<base::BytePace> request_pace;
  std::unique_ptr<base::BytePace> response_pace;
  // Of the trailers that tell the client how long bodies took; null: there are none.
  struct TrailerNames {
    // By Direction: of the whole body, and of what it waited here.
    std::string took[2];
    std::string waited[2];
  };
  std::unique_ptr<const TrailerNames> trailers;
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
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override { OnComplete(); }
  void OnComplete() override;

 private:
  filter::Verdict Pass(filter::Direction direction, buffer::Buffer& body);
  // Tells how many streams wait.
  void CountPending();
  // What a direction's body has taken since its first piece came, and waited here.
  struct Times {
    base::MonoTime begin = 0;  // 0: nothing has come.
    base::MonoTime pause = 0;  // 0: it does not wait.
    base::Nanos took = 0;
    base::Nanos waited = 0;
  };
  // Brings the times up to now.
  void Measure();
  // Names that would say nothing are left out.
  void FillTrailers(http::HeaderMap& trailers) const;

  const Settings& settings_;
  const bool enabled_;
  filter::StreamContext& stream_;
  BandwidthPart* const part_;         // May be null.
  filter::PacedBody bodies_[2];       // By Direction.
  bool counted_[2] = {false, false};  // Among those that wait.
  Times times_[2];
  http::HeaderMap* own_trailers_ = nullptr;  // Of a body whose last piece waits.
};

}  // namespace proxenos::filters::bandwidth_limit
