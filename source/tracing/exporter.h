// Exporter: the spans that have ended and wait to be sent, as bytes already, and their sending.
//
// Limits: Provider::max_spans and kMaxBytes wait at most; what finds no room is dropped and
// counted. Owner: the WorkerTracer. Thread: the worker's. Spans that wait when it dies are lost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/rpc/courier.h"
#include "source/stats/registry.h"
#include "source/stats/tracing_stats.h"
#include "source/tracing/config.h"
#include "source/tracing/segment_reporter.h"
#include "source/tracing/skywalking.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

class Exporter {
 public:
  static constexpr size_t kMaxBytes = size_t{2} << 20;  // Receivers refuse more than 4 MiB.

  // All outlive it.
  Exporter(const Provider& provider, const filter::Environment& environment,
           stats::Registry& registry);
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // Takes a span that has ended. REQUIRES: not SkyWalking.
  void Report(const Span& span);
  // The same for a segment. REQUIRES: SkyWalking.
  void Report(const Segment& segment, const Span& entry);
  SegmentNames segment_names() const;
  const Provider& provider() const { return provider_; }

 private:
  void OnTimer();
  void Append(const Span& span);
  // What waits, as one message.
  std::string Message();
  void Flush();
  void Count(rpc::Courier::Outcome outcome);
  absl::string_view service() const;

  const Provider& provider_;
  const filter::Environment& environment_;
  // Of its kind one is open.
  stats::Group<stats::ZipkinStats> posted_;  // Of Zipkin and Datadog.
  stats::Group<stats::OpenTelemetryStats> otlp_;
  std::unique_ptr<SegmentReporter> segments_;  // Of SkyWalking, which has no use for the rest.
  std::string waiting_;
  uint32_t count_ = 0;      // Spans in it.
  bool held_back_ = false;  // It was to be sent while too many calls were under way.
  event::Timer timer_;
  rpc::Courier courier_;
};

}  // namespace proxenos::tracing
