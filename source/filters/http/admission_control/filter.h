// AdmissionControl: refuses a share of requests while too few of those before succeeded, so that
// an origin that is overloaded gets room to recover (Google, "Site Reliability Engineering",
// chapter 21: client-side throttling).
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/admission_control/success_history.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::admission_control {

// envoy.extensions.filters.http.admission_control.v3.AdmissionControl. Thread: any (immutable).
struct Settings {
  // Of codes: from the first up to, not including, the second.
  std::vector<std::pair<int64_t, int64_t>> http_successes;
  uint64_t grpc_successes = 0;  // A bit for each status.
  base::Nanos window = 30 * base::kSecond;
  runtime::FlagSetting enabled{true};
  runtime::NumberSetting aggression{1.0};
  runtime::NumberSetting threshold{95.0};  // sr_threshold, in percent.
  runtime::NumberSetting most{80.0};       // max_rejection_probability, in percent.
  runtime::IntegerSetting rps_threshold;

  bool IsHttpSuccess(uint16_t status) const;
  bool IsGrpcSuccess(uint32_t status) const;
  // How likely a request is refused after these, from 0 to 1.
  double RejectionOf(const SuccessHistory::Counts& counts, const runtime::Snapshot* runtime) const;
};

// Scope: "admission_control." below HttpScope. One group a worker.
#define PX_ADMISSION_CONTROL_STATS(X) \
  X(Counter, rq_rejected)             \
  X(Counter, rq_success)              \
  X(Counter, rq_failure)
PX_STATS(AdmissionStats, PX_ADMISSION_CONTROL_STATS);

// Each worker judges by what it saw itself, as in Envoy.
struct AdmissionPart final : public filter::WorkerPart {
  AdmissionPart(base::Nanos window, stats::Group<AdmissionStats> group)
      : history(window), stats(std::move(group)) {}
  SuccessHistory history;
  stats::Group<AdmissionStats> stats;
};

class AdmissionControl final : public filter::HttpFilter {
 public:
  AdmissionControl(const Settings& settings, const filter::FilterFactory& factory,
                   filter::StreamContext& stream)
      : settings_(settings),
        stream_(stream),
        part_(static_cast<AdmissionPart&>(*stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnComplete() override;

 private:
  bool Rejects();
  void Record(bool success);

  const Settings& settings_;
  filter::StreamContext& stream_;
  AdmissionPart& part_;
  bool counts_ = false;  // The outcome is to be recorded, and has not been.
};

}  // namespace proxenos::filters::admission_control
