// Config: HttpConnectionManager.tracing, compiled; and Provider: the tracer that it names.
// tracing_config.h makes them.
//
// Invariant: immutable and shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/route/tracing.h"
#include "source/rpc/courier.h"
#include "source/runtime/setting.h"
#include "source/tracing/otlp.h"
#include "source/tracing/sampling.h"

namespace proxenos::tracing {

// Which spans are sampled: OpenTelemetry's samplers. All but the first choose among those requests
// that the connection manager has chosen.
struct Sampler {
  enum class Kind : uint8_t {
    kDecision,  // Children like their parent, others as the connection manager decided.
    kAlwaysOn,
    kTraceIdRatio,
  };
  Kind kind = Kind::kDecision;
  bool parent_based = false;  // Children like their parent.
  runtime::Fraction ratio;    // Of trace ids.

  // `decided`: by the connection manager. `parent`: null when the span is the first of its trace.
  bool Samples(uint64_t trace_high, bool decided, const TraceContext* parent) const {
    if (kind == Kind::kDecision) return parent != nullptr ? parent->sampled : decided;
    if (!decided) return false;
    if (parent_based && parent != nullptr) return parent->sampled;
    return kind == Kind::kAlwaysOn || ratio.Holds(trace_high);
  }
};

// envoy.config.trace.v3.ZipkinConfig, OpenTelemetryConfig, DatadogConfig or SkyWalkingConfig.
struct Provider {
  enum class Kind : uint8_t { kZipkin, kOpenTelemetry, kDatadog, kSkyWalking };
  Kind kind = Kind::kZipkin;
  rpc::CourierRoute route;
  uint32_t max_spans = 1024;  // Or segments that wait to be sent; more are dropped.
  runtime::IntegerSetting min_flush_spans;
  runtime::IntegerSetting flush_interval_ms;

  // Of Zipkin.
  bool proto = false;        // Spans go as zipkin.proto, else as JSON.
  bool wide_ids = false;     // trace_id_128bit
  bool shared_spans = true;  // shared_span_context
  bool split_spans = false;  // split_spans_for_request
  bool w3c_too = false;      // USE_B3_WITH_W3C_PROPAGATION
  bool timestamp_ids = false;

  // Of OpenTelemetry.
  OtlpSpeaker speaker;
  Sampler sampler;

  // Of Datadog and SkyWalking.
  std::string service_name = {};  // Of SkyWalking, empty: the node's cluster.

  // Of SkyWalking.
  std::string instance_name = {};  // Empty: the node's id.
};

struct Config {
  route::Sampling sampling;
  RequestIdUse request_id;
  bool distrusts_ids = false;  // What a client's x-request-id says of its trace is forgotten.
  bool verbose = false;
  bool spawn_upstream_span = false;
  bool propagate = true;          // Not no_context_propagation.
  uint32_t max_path_bytes = 256;  // max_path_tag_length
  std::vector<route::CustomTag> tags;
  uint32_t operation = route::kNoFormat;
  uint32_t upstream_operation = route::kNoFormat;
  std::vector<access_log::Formatter> formats;  // By CustomTag::format and the two above.
  std::shared_ptr<const Provider> provider;    // Null: decided, but told to nobody.

  // The proxy is a hop of its own: a span for what it is asked, one for each time it asks.
  bool splits() const {
    return spawn_upstream_span || (provider != nullptr && provider->split_spans);
  }
};

}  // namespace proxenos::tracing
