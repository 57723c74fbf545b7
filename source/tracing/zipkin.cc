// Field numbers are those of zipkin.proto (zipkin.proto3).
#include "source/tracing/zipkin.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "source/access_log/value.h"
#include "source/rpc/wire.h"

namespace proxenos::tracing {
namespace {

using rpc::WireWriter;

// At least one microsecond: zero would mean that the span has no duration.
uint64_t DurationOf(const Span& span) {
  return static_cast<uint64_t>(std::max<base::WallTime>(span.end - span.start, 1));
}

void AppendText(absl::string_view key, absl::string_view value, std::string& out) {
  absl::StrAppend(&out, "\"", key, "\":\"");
  access_log::AppendEscapedJson(value, out);
  out += '"';
}

// The bytes of an id, first byte first.
std::string IdBytes(uint64_t high, uint64_t low, bool wide) {
  std::string bytes;
  const auto append = [&bytes](uint64_t id) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(id >> shift);
  };
  if (wide) append(high);
  append(low);
  return bytes;
}

void AppendEvents(const Span& span, std::string& out) {
  if (span.events.empty()) return;
  out += ",\"annotations\":[";
  for (const Span::Event& event : span.events) {
    if (out.back() != '[') out += ',';
    absl::StrAppend(&out, "{\"timestamp\":", event.at, ",");
    AppendText("value", event.what, out);
    out += '}';
  }
  out += ']';
}

void AppendTags(const Span& span, std::string& out) {
  if (span.tags.empty()) return;
  out += ",\"tags\":{";
  for (const auto& [tag, value] : span.tags) {
    if (out.back() != '{') out += ',';
    out += '"';
    access_log::AppendEscapedJson(tag, out);
    out += "\":\"";
    access_log::AppendEscapedJson(value, out);
    out += '"';
  }
  out += '}';
}

}  // namespace

void AppendZipkinJson(const Span& span, absl::string_view service, std::string& out) {
  const TraceContext& context = span.context;
  out += '{';
  AppendText("traceId", TraceIdText(context, /*wide=*/false), out);
  out += ',';
  AppendText("id", SpanIdText(context.span), out);
  if (context.parent != 0) {
    out += ',';
    AppendText("parentId", SpanIdText(context.parent), out);
  }
  out += ',';
  AppendText("kind", span.kind == Span::Kind::kServer ? "SERVER" : "CLIENT", out);
  if (!span.name.empty()) {
    out += ',';
    AppendText("name", span.name, out);
  }
  absl::StrAppend(&out, ",\"timestamp\":", span.start, ",\"duration\":", DurationOf(span));
  if (span.shared) out += ",\"shared\":true";
  if (!service.empty()) {
    out += ",\"localEndpoint\":{";
    AppendText("serviceName", service, out);
    out += '}';
  }
  AppendEvents(span, out);
  AppendTags(span, out);
  out += '}';
}

void AppendZipkinProto(const Span& span, absl::string_view service, std::string& out) {
  WireWriter(out).Message(1, [&span, service](WireWriter& to) {
    const TraceContext& context = span.context;
    to.Text(1, IdBytes(context.trace_high, context.trace_low, context.trace_high != 0));
    if (context.parent != 0) to.Text(2, IdBytes(0, context.parent, false));
    to.Text(3, IdBytes(0, context.span, false));
    to.Number(4, span.kind == Span::Kind::kServer ? 2 : 1);
    to.Text(5, span.name);
    to.Fixed(6, static_cast<uint64_t>(span.start));
    to.Number(7, DurationOf(span));
    to.Message(8, [service](WireWriter& endpoint) { endpoint.Text(1, service); });
    for (const Span::Event& event : span.events) {
      to.Message(10, [&event](WireWriter& entry) {
        entry.Fixed(1, static_cast<uint64_t>(event.at));
        entry.Text(2, event.what);
      });
    }
    for (const auto& [tag, value] : span.tags) to.Entry(11, tag, value);
    if (span.shared) to.Flag(13, true);
  });
}

}  // namespace proxenos::tracing
