// Words, numbers, times and bytes as YAML, JSON and the JSON mapping of protobuf write them.
#include "source/config/scalars.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace proxenos::config {
namespace {

constexpr int64_t kMaxDurationSeconds = 315'576'000'000;  // 10,000 years, duration.proto.

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The YAML 1.1 words in lower, upper or capitalised form.
std::optional<bool> ParseYamlBool(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  std::string lower(text);
  bool tail_lower = true;
  bool tail_upper = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool upper = text[i] >= 'A' && text[i] <= 'Z';
    if (upper) lower[i] = static_cast<char>(text[i] | 0x20);
    if (i > 0) (upper ? tail_lower : tail_upper) = false;
  }
  const bool first_upper = text[0] != lower[0];
  if (!tail_lower && !(tail_upper && first_upper)) return std::nullopt;
  for (const std::string_view word : {"y", "yes", "true", "on"}) {
    if (lower == word) return true;
  }
  for (const std::string_view word : {"n", "no", "false", "off"}) {
    if (lower == word) return false;
  }
  return std::nullopt;
}

// Decimal, 0x hexadecimal or 0-led octal, with a sign.
std::optional<int64_t> ParseYamlInt(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (magnitude > kMax) return std::nullopt;
  const auto value = static_cast<int64_t>(magnitude);
  return negative ? -value : value;
}

// A number with exponent or fraction whose value is whole, as protobuf's JSON mapping allows.
template <typename Int>
std::optional<Int> ParseWhole(std::string_view text) {
  Int value = 0;
  const char* const stop = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), stop, value);
  if (error == std::errc() && end == stop && !text.empty()) return value;
  if (error == std::errc::result_out_of_range) return std::nullopt;
  if (text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
  const std::optional<double> wide = ParseDouble(text);
  // Beyond 2^53 a double no longer tells whole numbers apart.
  constexpr double kExact = 9007199254740992.0;
  if (!wide || *wide != std::floor(*wide) || std::abs(*wide) > kExact) return std::nullopt;
  if (*wide < 0 && !std::numeric_limits<Int>::is_signed) return std::nullopt;
  return static_cast<Int>(*wide);
}

}  // namespace

Scalar ReadScalar(const Node& node, Document::Typing typing) {
  if (node.quoted) return {Scalar::Kind::kText, false, std::string(node.text)};
  if (typing == Document::Typing::kJson) {
    if (node.text == "true") return {Scalar::Kind::kBool, true, std::string(node.text)};
    if (node.text == "false") return {Scalar::Kind::kBool, false, std::string(node.text)};
    return {Scalar::Kind::kNumber, false, std::string(node.text)};
  }
  if (const std::optional<bool> value = ParseYamlBool(node.text)) {
    return {Scalar::Kind::kBool, *value, std::string(node.text)};
  }
  if (const std::optional<int64_t> value = ParseYamlInt(node.text)) {
    const bool narrow = *value >= std::numeric_limits<int32_t>::min() &&
                        *value <= std::numeric_limits<int32_t>::max();
    return {narrow ? Scalar::Kind::kNumber : Scalar::Kind::kText, false, std::to_string(*value)};
  }
  return {Scalar::Kind::kText, false, std::string(node.text)};
}

std::optional<int64_t> ParseInt64(std::string_view text) { return ParseWhole<int64_t>(text); }

std::optional<uint64_t> ParseUint64(std::string_view text) { return ParseWhole<uint64_t>(text); }

std::optional<double> ParseDouble(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  // SimpleAtod takes the C words for NaN and infinity too, which the JSON mapping does not.
  if (text.find_first_of("nN") != std::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtod(ToAbsl(text), &value) || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<google::protobuf::Duration> ParseDuration(std::string_view text) {
  if (text.empty() || text.back() != 's') return std::nullopt;
  text.remove_suffix(1);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  int64_t seconds = 0;
  if (!IsDigits(whole) || !absl::SimpleAtoi(ToAbsl(whole), &seconds)) return std::nullopt;
  int32_t nanos = 0;
  if (dot != std::string_view::npos) {
    std::string fraction(text.substr(dot + 1));
    if (!IsDigits(fraction) || fraction.size() > 9) return std::nullopt;
    fraction.resize(9, '0');
    if (!absl::SimpleAtoi(fraction, &nanos)) return std::nullopt;
  }
  if (seconds > kMaxDurationSeconds) return std::nullopt;
  google::protobuf::Duration duration;
  duration.set_seconds(negative ? -seconds : seconds);
  duration.set_nanos(negative ? -nanos : nanos);
  return duration;
}

std::optional<google::protobuf::Timestamp> ParseTimestamp(std::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error)) return std::nullopt;
  const int64_t seconds = absl::ToUnixSeconds(time);
  // Years 1 to 9999, timestamp.proto.
  if (seconds < -62'135'596'800 || seconds > 253'402'300'799) return std::nullopt;
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

std::optional<std::string> ParseBase64(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  std::string bytes;
  if (!absl::Base64Unescape(standard, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace proxenos::config
