// Spans in Zipkin's API v2 (https://zipkin.io/zipkin-api/): as JSON, and as zipkin.proto.
//
// Thread: any.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

// Appends an element of a list of spans; `service` tells of it. JSON elements stand side by side:
// the caller puts commas between and brackets around them. The messages are fields of a
// ListOfSpans, complete as they stand.
void AppendZipkinJson(const Span& span, absl::string_view service, std::string& out);
void AppendZipkinProto(const Span& span, absl::string_view service, std::string& out);

}  // namespace proxenos::tracing
