// Spans, from begin to report.
#include "source/tracing/stream_trace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/tracing/datadog.h"
#include "source/tracing/tags.h"

namespace proxenos::tracing {
namespace {

using http::HeaderId;

}  // namespace

StreamTrace::StreamTrace(const Config& config, Exporter& exporter, filter::StreamContext& stream,
                         const SpanStart& start)
    : config_(config), exporter_(exporter), stream_(stream), egress_(start.egress) {
  const TraceContext& context = span_.context = start.context;
  span_.kind = start.kind;
  span_.shared = start.shared;
  span_.start = stream.info.start_wall;
  const bool wide = exporter.provider().kind == Provider::Kind::kOpenTelemetry;
  trace_id_text_ = TraceIdText(context, wide);
  span_id_text_ = SpanIdText(context.span);
  ids_ = {trace_id_text_, span_id_text_, context.sampled};
  stream.info.trace = &ids_;
  if (stream.environment.node != nullptr) {
    span_.SetTag("node_id", stream.environment.node->id);
    span_.SetTag("zone", stream.environment.node->zone);
  }
  NameSpan();
}

StreamTrace::~StreamTrace() = default;

void StreamTrace::SetSegment(std::unique_ptr<Segment> segment) {
  segment_ = std::move(segment);
  trace_id_text_ = segment_->trace_id;
  span_id_text_.clear();  // A number within the segment, of no use without that.
  ids_ = {trace_id_text_, span_id_text_, span_.context.sampled};
}

uint64_t StreamTrace::NextId() {
  // Zero is no id.
  return std::max<uint64_t>(stream_.environment.loop.random().Next(), 1);
}

base::WallTime StreamTrace::WallOf(base::MonoTime at) const {
  return stream_.info.start_wall + (at - stream_.info.start) / base::kMicrosecond;
}

std::optional<std::string> StreamTrace::Operation(uint32_t route::RouteTracing::*of_route,
                                                  uint32_t Config::*own) const {
  const route::RouteTracing* tracing =
      stream_.route == nullptr ? nullptr : stream_.route->tracing.get();
  if (tracing != nullptr && tracing->*of_route != route::kNoFormat) {
    return std::string(stream_.FormatValue(tracing->*of_route));
  }
  if (config_.*own == route::kNoFormat) return std::nullopt;
  std::string text;
  config_.formats[config_.*own].Format(FormatInputOf(stream_), text);
  return text;
}

void StreamTrace::Rename(absl::string_view name) {
  // SkyWalking's spans have the name of their endpoint, as in Envoy.
  if (exporter_.provider().kind != Provider::Kind::kSkyWalking) span_.SetName(name);
}

void StreamTrace::NameSpan() {
  const absl::string_view host = stream_.request.authority;
  if (exporter_.provider().kind == Provider::Kind::kSkyWalking) {
    span_.SetName(stream_.info.original_path.empty() ? stream_.request.path
                                                     : stream_.info.original_path);
  } else if (exporter_.provider().kind == Provider::Kind::kZipkin) {
    span_.SetName(host);
  } else {
    span_.SetName(egress_ ? absl::StrCat("egress ", host) : "ingress");
  }
  const auto operation = Operation(&route::RouteTracing::operation, &Config::operation);
  if (operation.has_value()) {
    Rename(*operation);
  } else {
    Decorate();
  }
}

void StreamTrace::Decorate() {
  http::HeaderMap& headers = stream_.request.headers;
  const route::RouteTracing* tracing =
      stream_.route == nullptr ? nullptr : stream_.route->tracing.get();
  if (tracing != nullptr && !tracing->decorator.empty()) {
    Rename(tracing->decorator);
    if (tracing->propagate) decorator_ = tracing->decorator;
  }
  if (egress_) {
    may_be_renamed_ = true;
    // The host is to use the same name for its own span.
    if (!decorator_.empty()) headers.Set(HeaderId::kXEnvoyDecoratorOperation, decorator_);
    decorator_.clear();
    return;
  }
  const absl::string_view asked = headers.Get(HeaderId::kXEnvoyDecoratorOperation);
  if (!asked.empty()) {
    Rename(asked);
    decorator_.clear();
  }
  headers.Remove(HeaderId::kXEnvoyDecoratorOperation);
}

void StreamTrace::BeginAttempt(bool own_span) {
  if (!config_.spawn_upstream_span && !own_span) return;
  ReportAttempt();
  Span& span = attempt_.emplace();
  attempt_ended_ = false;
  span.context = span_.context;
  span.context.parent = span_.context.span;
  span.context.span = segment_ != nullptr ? ++segment_->last_span : NextId();
  span.kind = Span::Kind::kClient;
  span.start = WallOf(stream_.environment.loop.now());
  span.SetName(segment_ != nullptr
                   ? span_.name
                   : absl::StrCat("router ", stream_.info.upstream_cluster, " egress"));
  if (stream_.info.attempts > 1) {
    span.SetTag("retry.count", absl::AlphaNum(stream_.info.attempts - 1).Piece());
  }
}

void StreamTrace::Inject(http::RequestHead& head) {
  if (!config_.propagate) return;
  const TraceContext& context = attempt_.has_value() ? attempt_->context : span_.context;
  const Provider& provider = exporter_.provider();
  if (segment_ != nullptr) {
    // Only spans of attempts can be told of: without them, what the client told goes on.
    if (!attempt_.has_value() || !context.sampled) return;
    const net::Address& host = stream_.info.upstream_remote;
    const bool known = host.family() != net::Address::Family::kNone;
    const std::string peer = known ? host.ToString() : std::string(head.authority);
    return InjectSw8(*segment_, {segment_->last_span, span_.name, peer}, exporter_.segment_names(),
                     head.headers);
  }
  if (provider.kind == Provider::Kind::kOpenTelemetry) return InjectW3c(context, head.headers);
  if (provider.kind == Provider::Kind::kDatadog) {
    InjectDatadog(context, head.headers);
    return InjectW3c(context, head.headers);
  }
  InjectB3(context, head.headers);
  if (provider.w3c_too) InjectW3c(context, head.headers);
}

void StreamTrace::EndAttempt(uint16_t status) {
  if (!attempt_.has_value() || attempt_ended_) return;
  attempt_ended_ = true;
  if (!attempt_->context.sampled) return;
  attempt_->end = WallOf(stream_.environment.loop.now());
  const auto name =
      Operation(&route::RouteTracing::upstream_operation, &Config::upstream_operation);
  if (name.has_value() && segment_ == nullptr) attempt_->SetName(*name);
  SetUpstreamTags(stream_, status, *attempt_);
  SetCustomTags(config_, stream_, *attempt_);
}

void StreamTrace::OnResponseHead(http::ResponseHead& head) {
  if (!decorator_.empty()) {
    head.headers.Set(HeaderId::kXEnvoyDecoratorOperation, decorator_);
  } else if (may_be_renamed_) {
    const absl::string_view name = head.headers.Get(HeaderId::kXEnvoyDecoratorOperation);
    if (!name.empty()) Rename(name);
    head.headers.Remove(HeaderId::kXEnvoyDecoratorOperation);
  }
}

void StreamTrace::ReportAttempt() {
  if (!attempt_.has_value()) return;
  EndAttempt(0);
  if (attempt_->context.sampled && segment_ != nullptr) {
    segment_->attempts.push_back(*std::move(attempt_));
  } else if (attempt_->context.sampled) {
    exporter_.Report(*attempt_);
  }
  attempt_.reset();
}

void StreamTrace::Finish() {
  if (!span_.context.sampled || stream_.info.health_check) return;
  const filter::StreamInfo& info = stream_.info;
  ReportAttempt();
  span_.end = WallOf(info.complete == 0 ? stream_.environment.loop.now() : info.complete);
  SetDownstreamTags(config_, stream_, span_);
  if (config_.verbose) AddEvents(info, span_);
  SetCustomTags(config_, stream_, span_);
  if (segment_ != nullptr) {
    exporter_.Report(*segment_, span_);
  } else {
    exporter_.Report(span_);
  }
}

}  // namespace proxenos::tracing
