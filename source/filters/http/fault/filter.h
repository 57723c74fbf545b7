// Fault: delays, refuses and slows down requests on purpose, so that others can find out how they
// bear it.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/base/byte_pace.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/paced_body.h"
#include "source/filter/stream_context.h"
#include "source/json/value.h"
#include "source/route/header_matcher.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::fault {

// envoy.extensions.filters.http.fault.v3.HTTPFault, of the filter or in its place of a route.
struct Settings {
  static constexpr int64_t kNoGrpcStatus = -1;
  struct Delay {
    bool by_header = false;
    runtime::IntegerSetting milliseconds;
    runtime::FractionSetting share;
  };
  struct Abort {
    bool by_header = false;
    // 0: none.
    runtime::IntegerSetting http_status;
    int64_t grpc_status = kNoGrpcStatus;
    std::string grpc_status_key;  // Of the runtime.
    runtime::FractionSetting share;
    std::string body;
  };
  struct Limit {
    bool by_header = false;
    uint64_t kib_per_second = 0;
    runtime::FractionSetting share;
  };
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::optional<Limit> limit;
  std::string cluster;                        // Of the requests; empty: all.
  std::vector<route::HeaderMatcher> headers;  // All must match.
  std::vector<std::string> nodes;             // Of which the request comes; empty: all.
  runtime::IntegerSetting max_active{UINT64_MAX};
  json::Object metadata;  // Left where a delay or an abort was made.
};

// Scope: "fault." below HttpScope. One group a worker.
#define PX_FAULT_STATS(X)          \
  X(Counter, aborts_injected)      \
  X(Counter, delays_injected)      \
  X(Counter, faults_overflow)      \
  X(Counter, response_rl_injected) \
  X(Gauge, active_faults)
PX_STATS(FaultStats, PX_FAULT_STATS);

struct FaultPart final : public filter::WorkerPart {
  stats::Group<FaultStats> stats;
};

class Fault final : public filter::HttpFilter {
 public:
  // `active`: the faults of the filter that are under way, on all workers.
  Fault(const Settings& settings, const filter::FilterFactory& factory,
        std::atomic<uint64_t>& active, filter::StreamContext& stream)
      : settings_(settings),
        name_(factory.name.text()),
        active_(active),
        stream_(stream),
        part_(static_cast<FaultPart*>(stream.worker_part(factory))),
        timer_(stream.environment.loop.timers(), [this] { OnTimer(); }) {}
  ~Fault() override { End(); }

  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override {
    if (body_.has_value()) body_->Drop();
    End();
  }

 private:
  enum class Wait : uint8_t { kNone, kDelay };

  bool Concerns(const http::RequestHead& head) const;
  bool Overflows();
  void SetUpLimit(const http::RequestHead& head);
  // Each true when the fault was made.
  bool StartDelay(const http::RequestHead& head);
  bool Abort(const http::RequestHead& head);
  bool Drawn(const runtime::FractionSetting& share, const http::RequestHead& head,
             absl::string_view percentage_header, bool by_header) const;
  void Begin();  // Of a fault that is under way.
  void End();
  void Keep();
  void OnTimer();

  const Settings& settings_;
  const std::string& name_;
  std::atomic<uint64_t>& active_;
  filter::StreamContext& stream_;
  FaultPart* const part_;  // May be null.
  event::Timer timer_;
  Wait wait_ = Wait::kNone;
  bool due_ = false;  // The delay is over.
  bool counted_ = false;
  // Without: the response is not slowed down.
  std::optional<base::BytePace> pace_;
  std::optional<filter::PacedBody> body_;
};

}  // namespace proxenos::filters::fault
