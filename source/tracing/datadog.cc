// (https://github.com/msgpack/msgpack/blob/master/spec.md)
#include "source/tracing/datadog.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace proxenos::tracing {
namespace {

using Kind = Extracted::Kind;

constexpr absl::string_view kTraceId = "x-datadog-trace-id";
constexpr absl::string_view kParentId = "x-datadog-parent-id";
constexpr absl::string_view kPriority = "x-datadog-sampling-priority";
constexpr absl::string_view kTags = "x-datadog-tags";
constexpr absl::string_view kHighHalf = "_dd.p.tid=";
constexpr size_t kMaxTagsBytes = 512;  // As Datadog's own libraries have it.

// Writes the few kinds of values that spans are made of, each in its widest form but for short
// text: readers take any.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(std::string& out) : out_(out) {}

  void Array(uint32_t size) { Put(0xdd, size, 4); }
  void Map(uint32_t size) { Put(0xdf, size, 4); }
  void Number(uint64_t value) { Put(0xcf, value, 8); }
  void Text(absl::string_view text) {
    if (text.size() <= UINT8_MAX) {
      Put(0xd9, text.size(), 1);
    } else {
      Put(0xdb, text.size(), 4);
    }
    out_.append(text.data(), text.size());
  }
  void Field(absl::string_view name, absl::string_view value) {
    Text(name);
    Text(value);
  }
  void Field(absl::string_view name, uint64_t value) {
    Text(name);
    Number(value);
  }

 private:
  void Put(uint8_t type, uint64_t value, int bytes) {
    out_ += static_cast<char>(type);
    while (bytes-- > 0) out_ += static_cast<char>(value >> (8 * bytes));
  }

  std::string& out_;
};

bool HasError(const Span& span) {
  return std::any_of(span.tags.begin(), span.tags.end(),
                     [](const auto& tag) { return tag.first == "error" && tag.second == "true"; });
}

uint64_t Nanos(base::WallTime time) { return static_cast<uint64_t>(time) * 1000; }

// 16 hexadecimal digits.
bool ReadHigh(absl::string_view text, uint64_t* value) {
  return text.size() == 16 && absl::SimpleHexAtoi(text, value);
}

// Of x-datadog-tags; 0 where it is not told.
uint64_t HighHalf(const http::HeaderMap& headers) {
  const http::Header* field = headers.Find(kTags);
  if (field == nullptr || field->value().size() > kMaxTagsBytes) return 0;
  for (absl::string_view tag : absl::StrSplit(field->value(), ',')) {
    uint64_t high = 0;
    if (absl::ConsumePrefix(&tag, kHighHalf) && ReadHigh(tag, &high)) return high;
  }
  return 0;
}

}  // namespace

void AppendDatadogTrace(const Span& span, absl::string_view service, std::string& out) {
  const TraceContext& context = span.context;
  MsgpackWriter to(out);
  to.Array(1);
  to.Map(12);
  to.Field("service", service);
  to.Field("name", "envoy.proxy");  // What dashboards made for Envoy look for.
  to.Field("resource", span.name);
  to.Field("type", "web");
  to.Field("trace_id", context.trace_low);
  to.Field("span_id", context.span);
  to.Field("parent_id", context.parent);
  to.Field("start", Nanos(span.start));
  to.Field("duration", Nanos(std::max<base::WallTime>(span.end - span.start, 1)));
  to.Field("error", HasError(span) ? 1 : 0);
  to.Text("meta");
  to.Map(static_cast<uint32_t>(span.tags.size()) + (context.trace_high == 0 ? 1 : 2));
  for (const auto& [tag, value] : span.tags) to.Field(tag, value);
  to.Field("span.kind", span.kind == Span::Kind::kServer ? "server" : "client");
  if (context.trace_high != 0) to.Field("_dd.p.tid", SpanIdText(context.trace_high));
  to.Text("metrics");
  to.Map(1);
  to.Field("_sampling_priority_v1", 1);
}

std::string WrapDatadogTraces(uint32_t count, absl::string_view traces) {
  std::string message;
  MsgpackWriter(message).Array(count);
  message.append(traces.data(), traces.size());
  return message;
}

Extracted ExtractDatadog(const http::HeaderMap& headers) {
  Extracted result;
  const http::Header* trace = headers.Find(kTraceId);
  const http::Header* priority = headers.Find(kPriority);
  if (int32_t value = 0; priority != nullptr && absl::SimpleAtoi(priority->value(), &value)) {
    result.sampled = value > 0;
  }
  if (trace == nullptr) return result;
  TraceContext& context = result.context;
  const http::Header* parent = headers.Find(kParentId);
  if (!absl::SimpleAtoi(trace->value(), &context.trace_low) || context.trace_low == 0 ||
      (parent != nullptr && !absl::SimpleAtoi(parent->value(), &context.span))) {
    return {Kind::kBroken, {}, {}};
  }
  context.trace_high = HighHalf(headers);
  result.kind = Kind::kContext;
  return result;
}

void InjectDatadog(const TraceContext& context, http::HeaderMap& headers) {
  std::vector<absl::string_view> tags;
  const http::Header* field = headers.Find(kTags);
  if (field != nullptr && field->value().size() <= kMaxTagsBytes) {
    for (const absl::string_view tag : absl::StrSplit(field->value(), ',', absl::SkipEmpty())) {
      if (tag.substr(0, kHighHalf.size()) != kHighHalf) tags.push_back(tag);
    }
  }
  const std::string high = absl::StrCat(kHighHalf, SpanIdText(context.trace_high));
  if (context.trace_high != 0) tags.push_back(high);
  const std::string all = absl::StrJoin(tags, ",");
  if (all.empty()) {
    headers.Remove(kTags);
  } else {
    headers.Set(kTags, all);
  }
  headers.Set(kTraceId, absl::StrCat(context.trace_low));
  headers.Set(kParentId, absl::StrCat(context.span));
  headers.Set(kPriority, context.sampled ? "1" : "0");
}

}  // namespace proxenos::tracing
