// Scalars of a Document as protobuf values. How a word that is not quoted is read depends on the
// text's kind: YAML has yes/no/on/off, 0x and leading-zero octal; JSON has its literals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "source/config/document.h"

namespace proxenos::config {

// What a scalar is before the field's type is known, as a Struct would hold it.
struct Scalar {
  enum class Kind : uint8_t { kText, kBool, kNumber };
  Kind kind = Kind::kText;
  bool boolean = false;
  // For kNumber the decimal form where YAML wrote hexadecimal or octal, else the text itself.
  std::string text;
};

// Envoy's rule for YAML: words for booleans, integers of 32 bits are numbers; wider integers and
// all fractions stay text. For JSON: the literal's own kind.
Scalar ReadScalar(const Node& node, Document::Typing typing);

// Decimal integers of protobuf's JSON mapping: also "1e3" and "5.0", but nothing with a fraction.
std::optional<int64_t> ParseInt64(std::string_view text);
std::optional<uint64_t> ParseUint64(std::string_view text);
// Also NaN, Infinity and -Infinity.
std::optional<double> ParseDouble(std::string_view text);

// "1.5s"; RFC 3339. Out of protobuf's range is a failure.
std::optional<google::protobuf::Duration> ParseDuration(std::string_view text);
std::optional<google::protobuf::Timestamp> ParseTimestamp(std::string_view text);

// Standard or URL-safe alphabet, padded or not.
std::optional<std::string> ParseBase64(std::string_view text);

}  // namespace proxenos::config
