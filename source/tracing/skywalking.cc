// Eight parts with hyphens between; and protobuf.
#include "source/tracing/skywalking.h"

#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/utf8.h"
#include "source/rpc/wire.h"

namespace proxenos::tracing {
namespace {

using rpc::WireWriter;

constexpr absl::string_view kSw8 = "sw8";
constexpr size_t kParts = 8;
constexpr uint64_t kComponent = 9000;  // The number by which SkyWalking knows Envoy.
constexpr uint64_t kHttpLayer = 3;
constexpr uint64_t kNoParent = std::numeric_limits<uint64_t>::max();  // -1 as an int32.

// Field numbers of language-agent/Tracing.proto.
enum SegmentField : uint32_t { kTraceId = 1, kSegmentId = 2, kSpans = 3, kService = 4, kInst = 5 };
enum ReferenceField : uint32_t {
  kRefTraceId = 2,
  kRefSegmentId = 3,
  kRefSpanId = 4,
  kRefService = 5,
  kRefInstance = 6,
  kRefEndpoint = 7,
  kRefAddress = 8,
};
enum SpanField : uint32_t {
  kSpanId = 1,
  kParentSpanId = 2,
  kStartTime = 3,
  kEndTime = 4,
  kRefs = 5,
  kOperation = 6,
  kPeer = 7,
  kSpanType = 8,
  kSpanLayer = 9,
  kComponentId = 10,
  kIsError = 11,
  kTags = 12,
  kLogs = 13,
};
enum LogField : uint32_t { kTime = 1, kData = 2 };
enum SpanType : uint64_t { kEntry = 0, kExit = 1 };

uint64_t Millis(base::WallTime microseconds) { return static_cast<uint64_t>(microseconds) / 1000; }

void WriteTags(const Span& span, WireWriter& out) {
  for (const auto& [tag, value] : span.tags) {
    if (tag == "peer.address") {
      out.Text(kPeer, value);
      continue;
    }
    if (tag == "error" && value == "true") out.Flag(kIsError, true);
    // Its own words for the two that its pages look for.
    absl::string_view name = tag;
    if (tag == "http.url") name = "url";
    if (tag == "http.status_code") name = "status_code";
    out.Entry(kTags, name, value);
  }
  for (const Span::Event& event : span.events) {
    out.Message(kLogs, [&event](WireWriter& log) {
      log.Number(kTime, Millis(event.at));
      log.Entry(kData, "", event.what);
    });
  }
}

void WriteSpan(const Span& span, uint32_t id, const SegmentParent* parent, WireWriter& segment) {
  segment.Message(kSpans, [&span, id, parent](WireWriter& out) {
    out.Number(kSpanId, id);
    out.Number(kParentSpanId, id == 0 ? kNoParent : 0);
    out.Number(kStartTime, Millis(span.start));
    out.Number(kEndTime, Millis(span.end));
    if (parent != nullptr) {
      out.Message(kRefs, [parent](WireWriter& ref) {
        ref.Text(kRefTraceId, parent->trace_id);
        ref.Text(kRefSegmentId, parent->segment_id);
        ref.Number(kRefSpanId, parent->span);
        ref.Text(kRefService, parent->service);
        ref.Text(kRefInstance, parent->instance);
        ref.Text(kRefEndpoint, parent->endpoint);
        ref.Text(kRefAddress, parent->address);
      });
    }
    out.Text(kOperation, span.name);
    out.Number(kSpanType, id == 0 ? kEntry : kExit);
    out.Number(kSpanLayer, kHttpLayer);
    out.Number(kComponentId, kComponent);
    WriteTags(span, out);
  });
}

}  // namespace

std::optional<SegmentParent> ExtractSw8(const http::HeaderMap& headers) {
  const http::Header* field = headers.Find(kSw8);
  if (field == nullptr || field->value().size() > kMaxSw8Bytes) return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(field->value(), '-');
  // What is not for the collector of the client's side is for ours all the same.
  if (parts.size() != kParts || (parts[0] != "0" && parts[0] != "1")) return std::nullopt;
  SegmentParent parent;
  if (!absl::SimpleAtoi(parts[3], &parent.span) ||
      parent.span > std::numeric_limits<int32_t>::max()) {
    return std::nullopt;
  }
  const std::pair<size_t, std::string*> texts[] = {{1, &parent.trace_id}, {2, &parent.segment_id},
                                                   {4, &parent.service},  {5, &parent.instance},
                                                   {6, &parent.endpoint}, {7, &parent.address}};
  for (const auto& [part, text] : texts) {
    if (!absl::Base64Unescape(parts[part], text) || !base::IsUtf8(*text)) return std::nullopt;
  }
  if (parent.trace_id.empty() || parent.segment_id.empty()) return std::nullopt;
  return parent;
}

void InjectSw8(const Segment& segment, const ExitSpan& span, const SegmentNames& names,
               http::HeaderMap& headers) {
  std::string value =
      absl::StrCat("1-", absl::Base64Escape(segment.trace_id), "-", absl::Base64Escape(segment.id),
                   "-", span.id, "-", absl::Base64Escape(names.service), "-");
  absl::StrAppend(&value, absl::Base64Escape(names.instance), "-",
                  absl::Base64Escape(span.endpoint), "-", absl::Base64Escape(span.peer));
  headers.Set(kSw8, value);
}

std::string SegmentMessage(const Segment& segment, const Span& entry, const SegmentNames& names) {
  std::string message;
  WireWriter out(message);
  out.Text(kTraceId, segment.trace_id);
  out.Text(kSegmentId, segment.id);
  WriteSpan(entry, 0, segment.parent.has_value() ? &*segment.parent : nullptr, out);
  for (const Span& attempt : segment.attempts) {
    WriteSpan(attempt, static_cast<uint32_t>(attempt.context.span), nullptr, out);
  }
  out.Text(kService, names.service);
  out.Text(kInst, names.instance);
  return message;
}

}  // namespace proxenos::tracing
