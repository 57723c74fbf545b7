// Field numbers are those of opentelemetry/proto/trace/v1/trace.proto.
#include "source/tracing/otlp.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "source/rpc/wire.h"

namespace proxenos::tracing {
namespace {

using rpc::WireWriter;

constexpr uint64_t kServer = 2, kClient = 3;  // SpanKind
constexpr uint64_t kError = 2;                // StatusCode

uint64_t UnixNanos(base::WallTime time) { return static_cast<uint64_t>(time) * 1000; }

void AppendId(uint64_t id, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(id >> shift);
}

void AddAttribute(WireWriter& to, uint32_t field, absl::string_view key, absl::string_view value) {
  to.Message(field, [key, value](WireWriter& pair) {
    pair.Text(1, key);
    pair.Message(2, [value](WireWriter& any) { any.Text(1, value); });
  });
}

// To a client a status of 400 is a failure already (semantic conventions of HTTP spans).
bool Failed(const Span& span) {
  for (const auto& [tag, value] : span.tags) {
    uint32_t status = 0;
    if (tag != "http.status_code" || !absl::SimpleAtoi(value, &status)) continue;
    return status >= (span.kind == Span::Kind::kServer ? 500u : 400u);
  }
  return false;
}

}  // namespace

void AppendOtlpSpan(const Span& span, std::string& out) {
  const TraceContext& context = span.context;
  std::string trace, id, parent;
  AppendId(context.trace_high, trace);
  AppendId(context.trace_low, trace);
  AppendId(context.span, id);
  if (context.parent != 0) AppendId(context.parent, parent);
  WireWriter(out).Message(2, [&span, &context, &trace, &id, &parent](WireWriter& to) {
    to.Text(1, trace);
    to.Text(2, id);
    if (!context.state.empty()) to.Text(3, context.state);
    if (!parent.empty()) to.Text(4, parent);
    to.Text(5, span.name);
    to.Number(6, span.kind == Span::Kind::kServer ? kServer : kClient);
    to.Fixed(7, UnixNanos(span.start));
    to.Fixed(8, UnixNanos(span.end));
    for (const auto& [tag, value] : span.tags) AddAttribute(to, 9, tag, value);
    for (const Span::Event& event : span.events) {
      to.Message(11, [&event](WireWriter& entry) {
        entry.Fixed(1, UnixNanos(event.at));
        entry.Text(2, event.what);
      });
    }
    if (Failed(span)) to.Message(15, [](WireWriter& status) { status.Number(3, kError); });
  });
}

std::string WrapOtlpSpans(const OtlpSpeaker& speaker, absl::string_view spans) {
  std::string scope_spans;
  if (!speaker.scope_name.empty()) {
    WireWriter(scope_spans).Message(1, [&speaker](WireWriter& scope) {
      scope.Text(1, speaker.scope_name);
      scope.Text(2, speaker.scope_version);
    });
  }
  scope_spans.append(spans.data(), spans.size());
  std::string message;
  WireWriter(message).Message(1, [&speaker, &scope_spans](WireWriter& resource_spans) {
    resource_spans.Message(1, [&speaker](WireWriter& resource) {
      for (const auto& [key, value] : speaker.resource) AddAttribute(resource, 1, key, value);
    });
    resource_spans.Text(2, scope_spans);
  });
  return message;
}

}  // namespace proxenos::tracing
