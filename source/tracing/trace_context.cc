// Reading and writing of the fields.
#include "source/tracing/trace_context.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::tracing {
namespace {

using Kind = Extracted::Kind;

constexpr absl::string_view kB3 = "b3";
constexpr absl::string_view kTraceId = "x-b3-traceid";
constexpr absl::string_view kSpanId = "x-b3-spanid";
constexpr absl::string_view kParentId = "x-b3-parentspanid";
constexpr absl::string_view kSampled = "x-b3-sampled";
constexpr absl::string_view kFlags = "x-b3-flags";
constexpr absl::string_view kTraceParent = "traceparent";
constexpr absl::string_view kTraceState = "tracestate";

constexpr size_t kIdDigits = 16;

// Of tracestate, what the specification asks to be passed on at least (section 3.3.1.5).
constexpr size_t kMaxStateBytes = 512;

constexpr Extracted kNone{Kind::kNothing, {}, {}};
constexpr Extracted kBad{Kind::kBroken, {}, {}};

// At most 16 hexadecimal digits; false where it is anything else.
bool ReadHex(absl::string_view text, uint64_t* value) {
  if (text.empty() || text.size() > kIdDigits) return false;
  uint64_t result = 0;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    result = result << 4 | static_cast<uint64_t>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
  }
  *value = result;
  return true;
}

bool ReadTraceId(absl::string_view text, TraceContext& context) {
  if (text.size() <= kIdDigits) return ReadHex(text, &context.trace_low);
  if (text.size() != 2 * kIdDigits) return false;
  return ReadHex(text.substr(0, kIdDigits), &context.trace_high) &&
         ReadHex(text.substr(kIdDigits), &context.trace_low);
}

std::optional<absl::string_view> Get(const http::HeaderMap& headers, absl::string_view name) {
  const http::Header* header = headers.Find(name);
  if (header == nullptr) return std::nullopt;
  return header->value();
}

// What stands before the next '-', which it takes off with it.
absl::string_view NextPart(absl::string_view& rest) {
  const size_t dash = rest.find('-');
  const absl::string_view part = rest.substr(0, dash);
  rest = dash == absl::string_view::npos ? absl::string_view() : rest.substr(dash + 1);
  return part;
}

std::optional<bool> SampledFlag(absl::string_view text) {
  if (text == "0") return false;
  if (text == "1" || text == "d") return true;
  return std::nullopt;
}

// TRACE-SPAN, TRACE-SPAN-SAMPLED, TRACE-SPAN-SAMPLED-PARENT, or SAMPLED alone.
Extracted ReadSingleB3(absl::string_view text) {
  Extracted result{Kind::kContext, {}, {}};
  if (text.size() == 1) {
    result.sampled = SampledFlag(text);
    result.kind = result.sampled.has_value() ? Kind::kNothing : Kind::kBroken;
    return result;
  }
  if (text.empty() || text.back() == '-') return kBad;
  TraceContext& context = result.context;
  const absl::string_view trace = NextPart(text);
  const absl::string_view span = NextPart(text);
  if (trace.size() < kIdDigits || !ReadTraceId(trace, context)) return kBad;
  if (span.size() != kIdDigits || !ReadHex(span, &context.span)) return kBad;
  if (text.empty()) return result;
  result.sampled = SampledFlag(NextPart(text));
  if (!result.sampled.has_value()) return kBad;
  if (!text.empty() && (text.size() != kIdDigits || !ReadHex(text, &context.parent))) return kBad;
  return result;
}

std::optional<bool> ReadSampledFields(const http::HeaderMap& headers) {
  const auto sampled = Get(headers, kSampled);
  // "true" is what old libraries write. Any other text asks for nothing.
  if (sampled.has_value()) return *sampled == "1" || *sampled == "true";
  if (Get(headers, kFlags) == absl::string_view("1")) return true;  // Debug.
  return std::nullopt;
}

void AppendHex(uint64_t value, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[value >> shift & 0xf];
}

}  // namespace

std::string TraceIdText(const TraceContext& context, bool wide) {
  std::string text;
  if (wide || context.trace_high != 0) AppendHex(context.trace_high, text);
  AppendHex(context.trace_low, text);
  return text;
}

std::string SpanIdText(uint64_t id) {
  std::string text;
  AppendHex(id, text);
  return text;
}

Extracted ExtractB3(const http::HeaderMap& headers) {
  if (const auto single = Get(headers, kB3)) return ReadSingleB3(*single);
  Extracted result;
  result.sampled = ReadSampledFields(headers);
  const auto trace = Get(headers, kTraceId);
  const auto span = Get(headers, kSpanId);
  if (!trace.has_value() || !span.has_value()) return result;
  if (!ReadTraceId(*trace, result.context) || !ReadHex(*span, &result.context.span)) return kBad;
  const auto parent = Get(headers, kParentId);
  if (parent.has_value() && !parent->empty() && !ReadHex(*parent, &result.context.parent)) {
    return kBad;
  }
  result.kind = Kind::kContext;
  return result;
}

void InjectB3(const TraceContext& context, http::HeaderMap& headers) {
  const std::string trace = TraceIdText(context, /*wide=*/false);
  if (headers.Find(kB3) != nullptr) {
    std::string single =
        absl::StrCat(trace, "-", SpanIdText(context.span), context.sampled ? "-1" : "-0");
    if (context.parent != 0) absl::StrAppend(&single, "-", SpanIdText(context.parent));
    headers.Set(kB3, single);
    return;
  }
  headers.Set(kTraceId, trace);
  headers.Set(kSpanId, SpanIdText(context.span));
  if (context.parent == 0) {
    headers.Remove(kParentId);
  } else {
    headers.Set(kParentId, SpanIdText(context.parent));
  }
  headers.Set(kSampled, context.sampled ? "1" : "0");
}

// VERSION-TRACE-PARENT-FLAGS. A later version may have more behind, which is passed over.
Extracted ExtractW3c(const http::HeaderMap& headers) {
  const auto field = Get(headers, kTraceParent);
  if (!field.has_value()) return kNone;
  constexpr size_t kSize = 55;
  absl::string_view text = *field;
  if (text.size() < kSize || (text.size() > kSize && text[kSize] != '-')) return kBad;
  text = text.substr(0, kSize);
  uint64_t version = 0, flags = 0;
  Extracted result{Kind::kContext, {}, {}};
  const absl::string_view version_text = NextPart(text);
  const absl::string_view trace = NextPart(text);
  const absl::string_view parent = NextPart(text);
  const bool sizes = version_text.size() == 2 && trace.size() == 2 * kIdDigits &&
                     parent.size() == kIdDigits && text.size() == 2;
  if (!sizes || !ReadHex(version_text, &version) || !ReadTraceId(trace, result.context) ||
      !ReadHex(parent, &result.context.span) || !ReadHex(text, &flags)) {
    return kBad;
  }
  const TraceContext& context = result.context;
  if (version == 0xff || (version == 0 && field->size() != kSize)) return kBad;
  if ((context.trace_high == 0 && context.trace_low == 0) || context.span == 0) return kBad;
  result.sampled = (flags & 1) != 0;
  const absl::string_view state = Get(headers, kTraceState).value_or("");
  const bool good =
      state.size() <= kMaxStateBytes && std::all_of(state.begin(), state.end(), [](char c) {
        return absl::ascii_isprint(static_cast<unsigned char>(c));
      });
  if (good) result.context.state = state;
  return result;
}

void InjectW3c(const TraceContext& context, http::HeaderMap& headers) {
  headers.Set(kTraceParent,
              absl::StrCat("00-", TraceIdText(context, /*wide=*/true), "-",
                           SpanIdText(context.span), context.sampled ? "-01" : "-00"));
  const auto there = Get(headers, kTraceState);
  if (context.state.empty()) {
    headers.Remove(kTraceState);
  } else if (!there.has_value() || there->data() != context.state.data()) {
    headers.Set(kTraceState, context.state);
  }
}

}  // namespace proxenos::tracing
