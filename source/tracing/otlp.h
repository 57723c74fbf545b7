// Spans as messages of OpenTelemetry's trace service (ExportTraceServiceRequest of
// opentelemetry-proto v1), written straight into bytes.
//
// Thread: any.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

using Attributes = std::vector<std::pair<std::string, std::string>>;

// Who speaks, in every message.
struct OtlpSpeaker {
  Attributes resource;
  std::string scope_name;  // Empty: no instrumentation scope.
  std::string scope_version;
};

// Appends a field of ScopeSpans.
void AppendOtlpSpan(const Span& span, std::string& out);
// The whole message around such fields.
std::string WrapOtlpSpans(const OtlpSpeaker& speaker, absl::string_view spans);

}  // namespace proxenos::tracing
