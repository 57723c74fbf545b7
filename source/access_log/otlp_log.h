// OtlpLog: entries as log records of OpenTelemetry (ExportLogsServiceRequest of
// opentelemetry-proto v1): OpenTelemetryAccessLogConfig, compiled.
//
// Thread: any (immutable once it is made).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/access_log/remote_log.h"

namespace proxenos::access_log {

// common.v1.AnyValue, whose texts are formats.
struct OtlpValue {
  enum class Kind : uint8_t { kFixed, kText, kList, kMap };
  Kind kind = Kind::kFixed;
  std::string fixed;                // Bytes of the AnyValue.
  std::optional<Formatter> format;  // kText
  std::vector<OtlpValue> children;  // kList, kMap
  std::vector<std::string> keys;    // kMap: of the children.
};

class OtlpLog final : public RemoteLog {
 public:
  void AppendEntry(const FormatInput& input, base::WallTime now, std::string& out) const override;
  std::string Wrap(absl::string_view entries, const filter::LocalNode* node) const override;
  stats::ScopeName StatScope() const override;

  std::optional<OtlpValue> body;
  OtlpValue attributes;  // A map.
  std::string log_name;
  bool builtin_labels = true;  // log_name, zone_name, cluster_name, node_name
  std::string resource;        // Attributes of the resource: fields of a Resource.
  std::vector<std::string> filter_state;
  std::string stat_prefix;
};

}  // namespace proxenos::access_log
