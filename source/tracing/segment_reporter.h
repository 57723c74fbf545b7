// SegmentReporter: tells a collector of SkyWalking's of segments, over one call that stays open:
// TraceSegmentReportService/collect.
//
//   no call --(a segment is there)--> call --(it ends)--> pause, that doubles --> no call
//
// Limits: what waits while there is no call is at most `max_waiting` segments and kMaxBytes, the
// oldest are dropped; so is what a call that is open would queue beyond that.
// Owner: the Exporter. Thread: the worker's. What waits when it dies is lost.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/rpc/call.h"
#include "source/rpc/service.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::tracing {

// Names are Envoy's. Scope: kSkyWalkingScope.
#define PX_SKYWALKING_STATS(X) \
  X(Counter, cache_flushed)    \
  X(Counter, segments_dropped) \
  X(Counter, segments_flushed) \
  X(Counter, segments_sent)
PX_STATS(SkyWalkingStats, PX_SKYWALKING_STATS);
inline constexpr stats::ScopeShape kSkyWalkingScope{"tracing.skywalking.", "tracing.skywalking."};

class SegmentReporter {
 public:
  static constexpr size_t kMaxBytes = size_t{4} << 20;

  // All outlive it.
  SegmentReporter(const rpc::GrpcService& service, uint32_t max_waiting,
                  const filter::Environment& environment, stats::Registry& registry);
  SegmentReporter(const SegmentReporter&) = delete;
  SegmentReporter& operator=(const SegmentReporter&) = delete;

  // A skywalking.v3.SegmentObject.
  void Report(std::string segment);

 private:
  // False: there is no call, and no cluster to make one to.
  bool Open();
  void OnProgress();
  void Keep(std::string segment);
  void Flush();
  void PauseBeforeNext();

  const rpc::GrpcService& service_;
  const uint32_t max_waiting_;
  const filter::Environment& environment_;
  stats::Group<SkyWalkingStats> stats_;
  std::deque<std::string> waiting_;
  size_t waiting_bytes_ = 0;
  base::Nanos pause_;
  event::Timer again_;
  std::unique_ptr<rpc::Call> call_;  // Null: there is none.
};

}  // namespace proxenos::tracing
