// WorkerTracer: the tracer of one connection manager on one worker: decides which requests are
// traced, and begins their traces.
//
// Owner: the HttpService. Thread: the worker's. Outlives its streams.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/stats/tracing_stats.h"
#include "source/tracing/config.h"
#include "source/tracing/exporter.h"
#include "source/tracing/stream_trace.h"

namespace proxenos::tracing {

class WorkerTracer {
 public:
  // What it is made of, besides its configuration.
  struct Lent {
    const filter::Environment& environment;  // Outlives it.
    stats::Registry& registry;
    const std::string& stat_prefix;
    bool egress = false;  // The listener's traffic_direction is OUTBOUND.
  };

  WorkerTracer(std::shared_ptr<const Config> config, const Lent& lent);
  WorkerTracer(const WorkerTracer&) = delete;
  WorkerTracer& operator=(const WorkerTracer&) = delete;

  // Of a stream whose route is known, if it has one. Null: nobody traces it, since there is no
  // tracer or what the client told of its trace cannot be read.
  std::unique_ptr<StreamTrace> Begin(filter::StreamContext& stream);

 private:
  void Count(Reason reason);
  std::unique_ptr<StreamTrace> BeginZipkin(filter::StreamContext& stream, bool decided);
  std::unique_ptr<StreamTrace> BeginDatadog(filter::StreamContext& stream, bool decided);
  std::unique_ptr<StreamTrace> BeginSkyWalking(filter::StreamContext& stream, bool decided);
  std::unique_ptr<StreamTrace> BeginOpenTelemetry(filter::StreamContext& stream, bool decided);

  SpanStart StartOf(const TraceContext& context, bool shared) const;

  const std::shared_ptr<const Config> config_;
  const bool egress_;
  stats::Group<stats::HttpTracingStats> stats_;
  std::optional<Exporter> exporter_;  // None: without a provider.
};

}  // namespace proxenos::tracing
