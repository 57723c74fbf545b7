// The three forms of a load report. Its bytes are a host's: nothing is taken on trust.
#include "source/rpc/orca_headers.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "source/json/parse.h"
#include "source/rpc/wire.h"

namespace proxenos::rpc {
namespace {

using upstream::OrcaReport;
using Map = OrcaReport::Map;

constexpr absl::string_view kBinaryHeader = "endpoint-load-metrics-bin";
constexpr absl::string_view kHeader = "endpoint-load-metrics";

// Fields of OrcaLoadReport, by name and number. The second name is the one of JSON (proto3).
struct NumberField {
  uint32_t number;
  absl::string_view name, json_name;
  double OrcaReport::*field;
};
constexpr NumberField kNumbers[] = {
    {1, "cpu_utilization", "cpuUtilization", &OrcaReport::cpu_utilization},
    {2, "mem_utilization", "memUtilization", &OrcaReport::mem_utilization},
    {6, "rps_fractional", "rpsFractional", &OrcaReport::rps_fractional},
    {7, "eps", "eps", &OrcaReport::eps},
    {9, "application_utilization", "applicationUtilization", &OrcaReport::application_utilization},
};

struct MapField {
  uint32_t number;
  absl::string_view name, json_name;
  Map map;
};
constexpr MapField kMaps[] = {
    {4, "request_cost", "requestCost", Map::kRequestCost},
    {5, "utilization", "utilization", Map::kUtilization},
    {8, "named_metrics", "namedMetrics", Map::kNamedMetrics},
};
constexpr absl::string_view kOldRate = "rps";  // A whole number, which nobody reads any more.

bool Good(double value) { return std::isfinite(value) && value >= 0; }

// What comes later of the same name counts, as in protobuf's maps.
bool Set(Map map, absl::string_view key, double value, OrcaReport& report) {
  for (OrcaReport::Entry& entry : report.entries) {
    if (entry.map != map || entry.key != key) continue;
    entry.value = value;
    return true;
  }
  if (report.entries.size() >= kMaxOrcaEntries) return false;
  report.entries.push_back({map, std::string(key), value});
  return true;
}

// An entry of map<string, double>.
bool ReadEntry(Map map, absl::string_view bytes, OrcaReport& report) {
  WireReader reader(bytes);
  absl::string_view key;
  double value = 0;
  while (reader.Next()) {
    if (reader.field() == 1) key = reader.bytes();
    if (reader.field() == 2) value = reader.real();
  }
  return reader.ok() && Good(value) && Set(map, key, value, report);
}

bool ReadField(const WireReader& reader, OrcaReport& report) {
  for (const NumberField& field : kNumbers) {
    if (reader.field() != field.number) continue;
    const double value = reader.real();
    if (!Good(value)) return false;
    report.*field.field = value;
    return true;
  }
  for (const MapField& field : kMaps) {
    if (reader.field() == field.number) return ReadEntry(field.map, reader.bytes(), report);
  }
  return true;  // Of a later version of the message.
}

// A number, also as a text (the JSON form of protobuf takes both).
std::optional<double> NumberOf(const json::Value& value) {
  std::optional<double> number = value.number();
  double parsed = 0;
  if (value.text() != nullptr && absl::SimpleAtod(*value.text(), &parsed)) number = parsed;
  if (!number.has_value() || !Good(*number)) return std::nullopt;
  return number;
}

bool SetMap(Map map, const json::Value& value, OrcaReport& report) {
  if (value.object() == nullptr) return false;
  for (const auto& [key, each] : *value.object()) {
    const std::optional<double> number = NumberOf(each);
    if (!number.has_value() || !Set(map, key, *number, report)) return false;
  }
  return true;
}

bool SetFromJson(absl::string_view name, const json::Value& value, OrcaReport& report) {
  if (value.is_null()) return true;  // As if it were not there.
  for (const NumberField& field : kNumbers) {
    if (name != field.name && name != field.json_name) continue;
    const std::optional<double> number = NumberOf(value);
    if (number.has_value()) report.*field.field = *number;
    return number.has_value();
  }
  for (const MapField& field : kMaps) {
    if (name == field.name || name == field.json_name) return SetMap(field.map, value, report);
  }
  return name == kOldRate && NumberOf(value).has_value();
}

bool SetFromText(absl::string_view name, double value, OrcaReport& report) {
  for (const NumberField& field : kNumbers) {
    if (name != field.name) continue;
    report.*field.field = value;
    return true;
  }
  for (const MapField& field : kMaps) {
    absl::string_view key = name;
    if (absl::ConsumePrefix(&key, field.name) && absl::ConsumePrefix(&key, ".")) {
      return !key.empty() && Set(field.map, key, value, report);
    }
  }
  return false;
}

}  // namespace

std::optional<OrcaReport> ReadOrcaBinary(absl::string_view base64) {
  std::string bytes;
  if (base64.empty() || !absl::Base64Unescape(base64, &bytes)) return std::nullopt;
  return ReadOrcaMessage(bytes);
}

std::optional<OrcaReport> ReadOrcaMessage(absl::string_view bytes) {
  OrcaReport report;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (!ReadField(reader, report)) return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return report;
}

std::optional<OrcaReport> ReadOrcaJson(absl::string_view text) {
  const std::optional<json::Object> object = json::ParseObject(text);
  if (!object.has_value()) return std::nullopt;
  OrcaReport report;
  for (const auto& [name, value] : *object) {
    if (!SetFromJson(name, value, report)) return std::nullopt;
  }
  return report;
}

std::optional<OrcaReport> ReadOrcaText(absl::string_view text) {
  OrcaReport report;
  std::vector<absl::string_view> seen;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    const size_t sign = part.find_first_of("=:");
    if (sign == absl::string_view::npos || seen.size() >= kMaxOrcaEntries) return std::nullopt;
    const absl::string_view name = absl::StripAsciiWhitespace(part.substr(0, sign));
    const absl::string_view number = absl::StripAsciiWhitespace(part.substr(sign + 1));
    double value = 0;
    if (!absl::SimpleAtod(number, &value) || !Good(value)) return std::nullopt;
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return std::nullopt;
    seen.push_back(name);
    if (!SetFromText(name, value, report)) return std::nullopt;
  }
  return report;
}

std::optional<OrcaReport> ReadOrcaReport(const http::HeaderMap& headers) {
  if (const http::Header* binary = headers.Find(kBinaryHeader)) {
    if (binary->value().size() > kMaxOrcaBytes) return std::nullopt;
    return ReadOrcaBinary(binary->value());
  }
  const http::Header* header = headers.Find(kHeader);
  if (header == nullptr || header->value().size() > kMaxOrcaBytes) return std::nullopt;
  absl::string_view value = header->value();
  if (absl::ConsumePrefix(&value, "BIN ")) return ReadOrcaBinary(value);
  if (absl::ConsumePrefix(&value, "JSON ")) return ReadOrcaJson(value);
  if (absl::ConsumePrefix(&value, "TEXT ")) return ReadOrcaText(value);
  return std::nullopt;
}

}  // namespace proxenos::rpc
