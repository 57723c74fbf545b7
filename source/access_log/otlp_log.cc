// Field numbers are those of opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto.
#include "source/access_log/otlp_log.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/rpc/wire.h"
#include "source/stats/remote_log_stats.h"

namespace proxenos::access_log {
namespace {

using rpc::WireWriter;

std::string Utf8(absl::string_view bytes) {
  std::string text;
  AppendUtf8Text(bytes, text);
  return text;
}

void AddText(WireWriter& to, uint32_t field, absl::string_view key, absl::string_view value) {
  to.Message(field, [key, value](WireWriter& pair) {
    pair.Text(1, key);
    pair.Message(2, [value](WireWriter& any) { any.Text(1, value); });
  });
}

std::string Encode(const OtlpValue& value, const FormatInput& input);

// KeyValue messages in `field`.
void AddPairs(const OtlpValue& map, uint32_t field, const FormatInput& input, WireWriter& to) {
  for (size_t i = 0; i < map.children.size(); ++i) {
    const std::string value = Encode(map.children[i], input);
    to.Message(field, [&map, &value, i](WireWriter& pair) {
      pair.Text(1, map.keys[i]);
      pair.Text(2, value);
    });
  }
}

// The bytes of an AnyValue.
std::string Encode(const OtlpValue& value, const FormatInput& input) {
  std::string out;
  WireWriter writer(out);
  switch (value.kind) {
    case OtlpValue::Kind::kFixed:
      return value.fixed;
    case OtlpValue::Kind::kText: {
      std::string text;
      value.format->Format(input, text);
      writer.Text(1, Utf8(text));
      break;
    }
    case OtlpValue::Kind::kList:
      writer.Message(5, [&value, &input](WireWriter& list) {
        for (const OtlpValue& child : value.children) list.Text(1, Encode(child, input));
      });
      break;
    case OtlpValue::Kind::kMap:
      writer.Message(6, [&value, &input](WireWriter& list) { AddPairs(value, 1, input, list); });
      break;
  }
  return out;
}

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
}

// OpenTelemetry's ids of traces have 128 bits; those with 64 stand at the end of one. Other ids,
// such as SkyWalking's, which clients choose, would have the collector refuse the whole message.
void AddTrace(const filter::TraceIds& ids, WireWriter& record) {
  constexpr size_t kTraceDigits = 32;
  constexpr size_t kSpanDigits = 16;
  const absl::string_view trace = ids.trace_id;
  if ((trace.size() == kTraceDigits || trace.size() == kSpanDigits) && IsHex(trace)) {
    const std::string zeros(kTraceDigits - trace.size(), '0');
    record.Text(9, absl::HexStringToBytes(absl::StrCat(zeros, trace)));
  }
  const absl::string_view span = ids.span_id;
  if (span.size() == kSpanDigits && IsHex(span)) record.Text(10, absl::HexStringToBytes(span));
}

}  // namespace

void OtlpLog::AppendEntry(const FormatInput& input, base::WallTime now, std::string& out) const {
  const filter::StreamInfo& info = *input.stream;
  WireWriter(out).Message(2, [this, &input, &info, now](WireWriter& record) {
    record.Fixed(1, static_cast<uint64_t>(info.start_wall) * 1000);
    if (body.has_value()) record.Text(5, Encode(*body, input));
    AddPairs(attributes, 6, input, record);
    for (const std::string& name : filter_state) {
      const std::string* value = info.state.Find(name);
      if (value != nullptr) AddText(record, 6, name, Utf8(*value));
    }
    if (info.trace != nullptr) AddTrace(*info.trace, record);
    record.Fixed(11, static_cast<uint64_t>(now) * 1000);
  });
}

std::string OtlpLog::Wrap(absl::string_view entries, const filter::LocalNode* node) const {
  std::string message;
  WireWriter(message).Message(1, [this, node, entries](WireWriter& resource_logs) {
    std::string labels;
    if (builtin_labels) {
      WireWriter to(labels);
      AddText(to, 1, "log_name", log_name);
      AddText(to, 1, "zone_name", node == nullptr ? "" : node->zone);
      AddText(to, 1, "cluster_name", node == nullptr ? "" : node->cluster);
      AddText(to, 1, "node_name", node == nullptr ? "" : node->id);
    }
    labels += resource;
    resource_logs.Text(1, labels);
    resource_logs.Text(2, entries);
  });
  return message;
}

stats::ScopeName OtlpLog::StatScope() const {
  if (stat_prefix.empty()) return stats::ScopeName(stats::kOtlpAccessLogScope, {});
  return stats::ScopeName(stats::kNamedOtlpAccessLogScope, {stat_prefix});
}

}  // namespace proxenos::access_log
