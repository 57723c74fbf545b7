// From the decision, and what the client told, to the span of a request.
#include "source/tracing/worker_tracer.h"

#include <algorithm>
#include <utility>

#include "source/base/uuid.h"
#include "source/event/event_loop.h"
#include "source/tracing/datadog.h"
#include "source/tracing/skywalking.h"

namespace proxenos::tracing {
namespace {

uint64_t NextId(event::EventLoop& loop) { return std::max<uint64_t>(loop.random().Next(), 1); }

}  // namespace

WorkerTracer::WorkerTracer(std::shared_ptr<const Config> config, const Lent& lent)
    : config_(std::move(config)),
      egress_(lent.egress),
      stats_(lent.registry.Open<stats::HttpTracingStats>(
          stats::ScopeName(stats::kHttpTracingScope, {lent.stat_prefix}))) {
  if (config_->provider != nullptr) {
    exporter_.emplace(*config_->provider, lent.environment, lent.registry);
  }
}

SpanStart WorkerTracer::StartOf(const TraceContext& context, bool shared) const {
  // Where it asks hosts in a span of its own, it serves in the other, whatever its direction.
  const bool server = !egress_ || config_->splits();
  return {context, server ? Span::Kind::kServer : Span::Kind::kClient, shared, egress_};
}

void WorkerTracer::Count(Reason reason) {
  switch (reason) {
    case Reason::kSampled:
      return stats_->random_sampling.Inc();
    case Reason::kServiceForced:
      return stats_->service_forced.Inc();
    case Reason::kClientForced:
      return stats_->client_enabled.Inc();
    case Reason::kNotTraceable:
      return stats_->not_traceable.Inc();
  }
}

std::unique_ptr<StreamTrace> WorkerTracer::Begin(filter::StreamContext& stream) {
  if (config_->distrusts_ids) ForgetReason(config_->request_id, stream.request.headers);
  const route::RouteTracing* of_route =
      stream.route == nullptr ? nullptr : stream.route->tracing.get();
  const route::Sampling& sampling =
      of_route != nullptr && of_route->configured ? of_route->sampling : config_->sampling;
  const Reason reason = Decide(sampling, config_->request_id, stream.environment.runtime,
                               stream.environment.loop.random().Next(), stream.request);
  Count(reason);
  if (!exporter_.has_value()) return nullptr;
  const bool decided = reason != Reason::kNotTraceable;
  switch (config_->provider->kind) {
    case Provider::Kind::kZipkin:
      return BeginZipkin(stream, decided);
    case Provider::Kind::kDatadog:
      return BeginDatadog(stream, decided);
    case Provider::Kind::kSkyWalking:
      return BeginSkyWalking(stream, decided);
    case Provider::Kind::kOpenTelemetry:
      break;
  }
  return BeginOpenTelemetry(stream, decided);
}

std::unique_ptr<StreamTrace> WorkerTracer::BeginZipkin(filter::StreamContext& stream,
                                                       bool decided) {
  const Provider& provider = *config_->provider;
  event::EventLoop& loop = stream.environment.loop;
  Extracted told = ExtractB3(stream.request.headers);
  if (told.kind == Extracted::Kind::kNothing && !told.sampled.has_value() && provider.w3c_too) {
    // As in Envoy, what cannot be read there is not there: B3 is what counts.
    const Extracted w3c = ExtractW3c(stream.request.headers);
    if (w3c.kind == Extracted::Kind::kContext) told = w3c;
  }
  if (told.kind == Extracted::Kind::kBroken) return nullptr;
  const bool first = told.kind == Extracted::Kind::kNothing;
  // The client's span and ours are the two sides of one.
  const bool shared = !first && provider.shared_spans && !egress_;
  TraceContext context = told.context;
  context.sampled = told.sampled.value_or(decided);
  if (first) {
    context.span = context.trace_low = NextId(loop);
    if (provider.wide_ids) context.trace_high = NextId(loop);
    if (provider.timestamp_ids) {
      uint64_t& id = provider.wide_ids ? context.trace_high : context.trace_low;
      id = static_cast<uint64_t>(stream.info.start_wall / 1'000'000) << 32 | (id & 0xffffffff);
    }
  } else if (!shared) {
    context.parent = context.span;
    context.span = NextId(loop);
  }
  return std::make_unique<StreamTrace>(*config_, *exporter_, stream, StartOf(context, shared));
}

// Datadog's ids have 63 bits, as other languages' libraries read them; the upper half of a trace's
// begins with the time, in seconds.
std::unique_ptr<StreamTrace> WorkerTracer::BeginDatadog(filter::StreamContext& stream,
                                                        bool decided) {
  const auto next_id = [&stream] {
    return std::max<uint64_t>(NextId(stream.environment.loop) >> 1, 1);
  };
  Extracted told = ExtractDatadog(stream.request.headers);
  if (told.kind == Extracted::Kind::kNothing && !told.sampled.has_value()) {
    told = ExtractW3c(stream.request.headers);
  }
  // A trace of its own, as in Envoy.
  if (told.kind == Extracted::Kind::kBroken) told = Extracted();
  TraceContext context = told.context;
  context.sampled = told.sampled.value_or(decided);
  if (told.kind == Extracted::Kind::kNothing) {
    context.trace_high = static_cast<uint64_t>(stream.info.start_wall / 1'000'000) << 32;
    context.trace_low = next_id();
  } else {
    context.parent = context.span;
  }
  context.span = next_id();
  return std::make_unique<StreamTrace>(*config_, *exporter_, stream,
                                       StartOf(context, /*shared=*/false));
}

// A client that tells of its segment has decided: nothing in a header says otherwise.
std::unique_ptr<StreamTrace> WorkerTracer::BeginSkyWalking(filter::StreamContext& stream,
                                                           bool decided) {
  event::EventLoop& loop = stream.environment.loop;
  const auto next_id = [&loop] {
    const uint64_t bits[2] = {loop.random().Next(), loop.random().Next()};
    std::string id(base::kUuidSize, '-');
    base::FormatUuid(bits, id.data());
    return id;
  };
  auto segment = std::make_unique<Segment>();
  segment->parent = ExtractSw8(stream.request.headers);
  segment->id = next_id();
  segment->trace_id = segment->parent.has_value() ? segment->parent->trace_id : next_id();
  TraceContext context;
  context.sampled = decided || segment->parent.has_value();
  auto trace = std::make_unique<StreamTrace>(*config_, *exporter_, stream,
                                             StartOf(context, /*shared=*/false));
  trace->SetSegment(std::move(segment));
  return trace;
}

std::unique_ptr<StreamTrace> WorkerTracer::BeginOpenTelemetry(filter::StreamContext& stream,
                                                              bool decided) {
  event::EventLoop& loop = stream.environment.loop;
  const Extracted told = ExtractW3c(stream.request.headers);
  if (told.kind == Extracted::Kind::kBroken) return nullptr;
  const bool first = told.kind == Extracted::Kind::kNothing;
  TraceContext context = told.context;
  context.sampled = told.sampled.value_or(false);
  const TraceContext parent = context;
  if (first) {
    context.trace_high = NextId(loop);
    context.trace_low = NextId(loop);
  } else {
    context.parent = context.span;
  }
  context.span = NextId(loop);
  // Nobody's word has more traced than the connection manager has chosen.
  context.sampled = decided && config_->provider->sampler.Samples(context.trace_high, decided,
                                                                  first ? nullptr : &parent);
  return std::make_unique<StreamTrace>(*config_, *exporter_, stream,
                                       StartOf(context, /*shared=*/false));
}

}  // namespace proxenos::tracing
