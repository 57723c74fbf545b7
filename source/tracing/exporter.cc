// Batches, and when they go.
#include "source/tracing/exporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/tracing/datadog.h"
#include "source/tracing/zipkin.h"

namespace proxenos::tracing {

using Outcome = rpc::Courier::Outcome;

Exporter::Exporter(const Provider& provider, const filter::Environment& environment,
                   stats::Registry& registry)
    : provider_(provider),
      environment_(environment),
      timer_(environment.loop.timers(), [this] { OnTimer(); }),
      courier_(provider.route, environment.clusters, [this](Outcome outcome) { Count(outcome); }) {
  if (provider.kind == Provider::Kind::kOpenTelemetry) {
    otlp_ =
        registry.Open<stats::OpenTelemetryStats>(stats::ScopeName(stats::kOpenTelemetryScope, {}));
    return;
  }
  if (provider.kind == Provider::Kind::kSkyWalking) {
    segments_ = std::make_unique<SegmentReporter>(*provider.route.grpc, provider.max_spans,
                                                  environment, registry);
    return;
  }
  const bool zipkin = provider.kind == Provider::Kind::kZipkin;
  posted_ = registry.Open<stats::ZipkinStats>(
      stats::ScopeName(zipkin ? stats::kZipkinScope : stats::kDatadogScope, {}));
}

absl::string_view Exporter::service() const {
  return environment_.node == nullptr ? absl::string_view() : environment_.node->cluster;
}

SegmentNames Exporter::segment_names() const {
  // Envoy's last resort is the same word for both.
  constexpr absl::string_view kNobody = "EnvoyProxy";
  SegmentNames names{provider_.service_name, provider_.instance_name};
  const filter::LocalNode* node = environment_.node;
  if (names.service.empty() && node != nullptr) names.service = node->cluster;
  if (names.instance.empty() && node != nullptr) names.instance = node->id;
  if (names.service.empty()) names.service = kNobody;
  if (names.instance.empty()) names.instance = kNobody;
  return names;
}

void Exporter::Report(const Segment& segment, const Span& entry) {
  segments_->Report(SegmentMessage(segment, entry, segment_names()));
}

void Exporter::Append(const Span& span) {
  switch (provider_.kind) {
    case Provider::Kind::kOpenTelemetry:
      return AppendOtlpSpan(span, waiting_);
    case Provider::Kind::kDatadog:
      return AppendDatadogTrace(span, provider_.service_name, waiting_);
    case Provider::Kind::kSkyWalking:
      return;
    case Provider::Kind::kZipkin:
      if (provider_.proto) return AppendZipkinProto(span, service(), waiting_);
      if (!waiting_.empty()) waiting_ += ',';
      return AppendZipkinJson(span, service(), waiting_);
  }
}

std::string Exporter::Message() {
  switch (provider_.kind) {
    case Provider::Kind::kOpenTelemetry:
      return WrapOtlpSpans(provider_.speaker, waiting_);
    case Provider::Kind::kDatadog:
      return WrapDatadogTraces(count_, waiting_);
    case Provider::Kind::kSkyWalking:
    case Provider::Kind::kZipkin:
      break;
  }
  return provider_.proto ? std::move(waiting_) : absl::StrCat("[", waiting_, "]");
}

void Exporter::Report(const Span& span) {
  if (!provider_.route.set()) return;
  if (count_ >= provider_.max_spans || waiting_.size() >= kMaxBytes) {
    (posted_ ? posted_->spans_dropped : otlp_->spans_dropped).Inc();
    return;
  }
  Append(span);
  ++count_;
  if (count_ >= provider_.min_flush_spans.Get(environment_.runtime)) return Flush();
  if (!timer_.armed()) {
    const uint64_t interval = provider_.flush_interval_ms.Get(environment_.runtime);
    timer_.ArmIn(static_cast<base::Nanos>(std::clamp<uint64_t>(interval, 1, 3'600'000)) *
                 base::kMillisecond);
  }
}

void Exporter::OnTimer() {
  (posted_ ? posted_->timer_flushed : otlp_->timer_flushed).Inc();
  Flush();
}

void Exporter::Flush() {
  held_back_ = courier_.busy();
  if (held_back_ || count_ == 0) return;
  timer_.Disarm();
  const std::string message = Message();
  (posted_ ? posted_->spans_sent : otlp_->spans_sent).Add(count_);
  waiting_.clear();
  count_ = 0;
  const bool sent = courier_.Send(message);
  if (!sent && posted_) posted_->reports_skipped_no_cluster.Inc();
}

void Exporter::Count(Outcome outcome) {
  if (posted_) {
    (outcome == Outcome::kTaken     ? posted_->reports_sent
     : outcome == Outcome::kRefused ? posted_->reports_dropped
                                    : posted_->reports_failed)
        .Inc();
  }
  if (held_back_) Flush();
}

}  // namespace proxenos::tracing
