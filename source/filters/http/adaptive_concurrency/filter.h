// AdaptiveConcurrency: refuses requests beyond a number under way that follows from how long they
// take.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/adaptive_concurrency/gradient.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::adaptive_concurrency {

// envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency. Thread: any.
struct Settings {
  runtime::FlagSetting enabled{true};
  uint16_t status = 503;               // concurrency_limit_exceeded_status
  std::unique_ptr<Gradient> gradient;  // Of all workers.
};

// Scope: "adaptive_concurrency.gradient_controller." below HttpScope. Counted by each worker.
#define PX_GRADIENT_COUNTERS(X) X(Counter, rq_blocked)
PX_STATS(GradientCounters, PX_GRADIENT_COUNTERS);

struct ConcurrencyPart final : public filter::WorkerPart {
  ConcurrencyPart(Gradient& shown, stats::Group<GradientCounters> counting,
                  stats::Group<GradientGauges> showing)
      : gradient(shown), counters(std::move(counting)), gauges(std::move(showing)) {
    gradient.Attach(*gauges);
  }
  ~ConcurrencyPart() override { gradient.Detach(*gauges); }

  Gradient& gradient;  // The factory's, which outlives its parts.
  stats::Group<GradientCounters> counters;
  stats::Group<GradientGauges> gauges;  // Those of one part alone are written.
};

class AdaptiveConcurrency final : public filter::HttpFilter {
 public:
  AdaptiveConcurrency(const Settings& settings, const filter::FilterFactory& factory,
                      filter::StreamContext& stream)
      : settings_(settings),
        stream_(stream),
        part_(static_cast<ConcurrencyPart&>(*stream.worker_part(factory))) {}
  ~AdaptiveConcurrency() override { End(/*answered=*/false); }

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnComplete() override { End(/*answered=*/false); }

 private:
  void End(bool answered);

  const Settings& settings_;
  filter::StreamContext& stream_;
  ConcurrencyPart& part_;
  bool under_way_ = false;
  base::MonoTime began_ = 0;
};

}  // namespace proxenos::filters::adaptive_concurrency
