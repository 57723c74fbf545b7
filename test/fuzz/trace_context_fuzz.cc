// Fields of B3, Datadog and W3C Trace Context on any bytes. What could be read is written such that
// it is read again as it was; what could not is left alone.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/tracing/datadog.h"
#include "source/tracing/trace_context.h"

namespace proxenos::tracing {
namespace {

using Kind = Extracted::Kind;

constexpr absl::string_view kNames[] = {
    "b3",         "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid",  "x-b3-sampled",
    "x-b3-flags", "traceparent",  "tracestate",  "x-datadog-trace-id", "x-datadog-parent-id"};
// Behind those that a digit names: 'a', 'b'.
constexpr absl::string_view kMoreNames[] = {"x-datadog-sampling-priority", "x-datadog-tags"};

void CheckSame(const TraceContext& a, const TraceContext& b) {
  CHECK(a.trace_high == b.trace_high && a.trace_low == b.trace_low);
  CHECK(a.span == b.span);
}

void CheckB3(http::HeaderMap& headers) {
  const Extracted told = ExtractB3(headers);
  if (told.kind != Kind::kContext) return;
  TraceContext context = told.context;
  context.sampled = told.sampled.value_or(true);
  InjectB3(context, headers);
  const Extracted again = ExtractB3(headers);
  CHECK(again.kind == Kind::kContext);
  CheckSame(again.context, context);
  CHECK(again.context.parent == context.parent);
  CHECK(again.sampled == context.sampled);
}

void CheckDatadog(http::HeaderMap& headers) {
  const Extracted told = ExtractDatadog(headers);
  if (told.kind != Kind::kContext) return;
  CHECK(told.context.trace_low != 0);
  TraceContext context = told.context;
  context.sampled = told.sampled.value_or(true);
  InjectDatadog(context, headers);
  const Extracted again = ExtractDatadog(headers);
  CHECK(again.kind == Kind::kContext && again.sampled == context.sampled);
  CheckSame(again.context, context);
}

void CheckW3c(http::HeaderMap& headers) {
  const Extracted told = ExtractW3c(headers);
  if (told.kind != Kind::kContext) return;
  CHECK(told.context.span != 0 && (told.context.trace_high | told.context.trace_low) != 0);
  CHECK(told.context.state.size() <= 512);
  TraceContext context = told.context;
  context.sampled = *told.sampled;
  InjectW3c(context, headers);
  const Extracted again = ExtractW3c(headers);
  CHECK(again.kind == Kind::kContext && again.sampled == context.sampled);
  CheckSame(again.context, context);
  CHECK(again.context.state == context.state);
}

// A line a field: the digit or letter of its name, then its value.
void Run(absl::string_view input) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  for (const absl::string_view line : absl::StrSplit(input, '\n')) {
    if (line.empty()) continue;
    if (line[0] >= '0' && line[0] <= '9') headers.Add(kNames[line[0] - '0'], line.substr(1));
    if (line[0] == 'a' || line[0] == 'b') headers.Add(kMoreNames[line[0] - 'a'], line.substr(1));
  }
  CheckB3(headers);
  CheckW3c(headers);
  CheckDatadog(headers);
}

}  // namespace
}  // namespace proxenos::tracing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::tracing::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
