// StreamTrace: the trace of one stream: the span of the request and, where they are told apart, one
// of each attempt at a host.
//
//   Begin (the route is known) -> BeginAttempt .. Inject .. EndAttempt, any number -> Finish
//
// It exists for every stream of a connection manager with a tracer, sampled or not: that a request
// is not sampled has to be told to hosts too.
// Owner: the Stream. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/filter/stream_context.h"
#include "source/tracing/config.h"
#include "source/tracing/exporter.h"
#include "source/tracing/skywalking.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

// How the request's span begins.
struct SpanStart {
  TraceContext context;
  Span::Kind kind = Span::Kind::kServer;
  bool shared = false;
  bool egress = false;  // The listener's traffic_direction is OUTBOUND.
};

class StreamTrace {
 public:
  // All outlive it.
  StreamTrace(const Config& config, Exporter& exporter, filter::StreamContext& stream,
              const SpanStart& start);
  StreamTrace(const StreamTrace&) = delete;
  StreamTrace& operator=(const StreamTrace&) = delete;
  ~StreamTrace();

  // Where spans are told of together, SkyWalking's way: what the stream's belong to. Before all
  // else.
  void SetSegment(std::unique_ptr<Segment> segment);

  // For the router. An attempt at a host begins; `own_span`: it is to have one whatever the
  // connection manager says.
  void BeginAttempt(bool own_span);
  // The request is about to be sent: its fields tell the host of the trace.
  void Inject(http::RequestHead& head);
  // It is over; `status` is what was answered, 0 where nothing was. No-op when none is under way.
  void EndAttempt(uint16_t status);

  // For the stream. The response's head goes to the client.
  void OnResponseHead(http::ResponseHead& head);
  // The stream is over: what is sampled is told to the collector. Once.
  void Finish();

 private:
  void NameSpan();
  // The operation that a format, the route's before the connection manager's, gives; nullopt where
  // there is no format.
  std::optional<std::string> Operation(uint32_t route::RouteTracing::*of_route,
                                       uint32_t Config::*own) const;
  // What the request's span is called, where the collector does not say itself.
  void Rename(absl::string_view name);
  // The decorator: what the route says, or the request.
  void Decorate();
  base::WallTime WallOf(base::MonoTime at) const;
  uint64_t NextId();
  void ReportAttempt();

  const Config& config_;
  Exporter& exporter_;
  filter::StreamContext& stream_;
  const bool egress_;
  Span span_;
  std::optional<Span> attempt_;  // The last one's; kept until it is known how it went.
  bool attempt_ended_ = false;
  std::string decorator_;             // What the client is told of it; empty: nothing.
  bool may_be_renamed_ = false;       // By the host's x-envoy-decorator-operation.
  std::unique_ptr<Segment> segment_;  // Null: each span is told of alone.
  std::string trace_id_text_;
  std::string span_id_text_;
  filter::TraceIds ids_;
};

}  // namespace proxenos::tracing
