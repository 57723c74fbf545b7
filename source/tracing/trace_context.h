// TraceContext: who a span is, and how that travels in a request's fields: B3
// (https://github.com/openzipkin/b3-propagation: several fields, or one) and W3C Trace Context
// (https://www.w3.org/TR/trace-context: traceparent, tracestate).
//
// Fields come from clients: whatever they hold, what is read from them has a fixed size, but for
// tracestate, which is a view. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::tracing {

struct TraceContext {
  uint64_t trace_high = 0;  // 0: the trace id has 64 bits.
  uint64_t trace_low = 0;
  uint64_t span = 0;
  uint64_t parent = 0;  // 0: none.
  bool sampled = false;
  absl::string_view state;  // tracestate, as it came; in the request's head or arena.
};

// As 32 digits, or 16 where the id has 64 bits and `wide` does not ask for more.
std::string TraceIdText(const TraceContext& context, bool wide);
std::string SpanIdText(uint64_t id);

// What a head told of the span that the request belongs to.
struct Extracted {
  enum class Kind : uint8_t {
    kNothing,  // No field is there.
    kContext,
    kBroken,  // A field is there that cannot be read: nothing of it is to be believed.
  };
  Kind kind = Kind::kNothing;
  TraceContext context = {};         // Of kContext; its `sampled` is only a guess where…
  std::optional<bool> sampled = {};  // …this is not set. B3 may tell it without the rest.
};

// The single field before the several, as in Envoy.
Extracted ExtractB3(const http::HeaderMap& headers);
// The single field where the head has it, else x-b3-traceid, x-b3-spanid, x-b3-parentspanid and
// x-b3-sampled: in the place of what was there.
void InjectB3(const TraceContext& context, http::HeaderMap& headers);

Extracted ExtractW3c(const http::HeaderMap& headers);
// traceparent, and tracestate where there is one, in the place of what was there.
void InjectW3c(const TraceContext& context, http::HeaderMap& headers);

}  // namespace proxenos::tracing
