// Datadog: spans as its agent takes them (PUT or POST /v0.4/traces, in MessagePack), and how its
// libraries tell of traces in a request's fields: x-datadog-trace-id, x-datadog-parent-id,
// x-datadog-sampling-priority, and of x-datadog-tags the upper half of the trace's id.
//
// Fields come from clients: what is read from them has a fixed size. Thread: one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"
#include "source/tracing/span.h"
#include "source/tracing/trace_context.h"

namespace proxenos::tracing {

// A trace of this one span: the agent puts together what belongs together.
void AppendDatadogTrace(const Span& span, absl::string_view service, std::string& out);
// `count` of them as one message.
std::string WrapDatadogTraces(uint32_t count, absl::string_view traces);

Extracted ExtractDatadog(const http::HeaderMap& headers);
// In the place of what was there, but for tags of others in x-datadog-tags.
void InjectDatadog(const TraceContext& context, http::HeaderMap& headers);

}  // namespace proxenos::tracing
