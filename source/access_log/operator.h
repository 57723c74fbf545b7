// Operator: one command operator of a format, such as %REQ(:PATH?X):20%, compiled: what to read,
// with its arguments taken apart. The table of all operators is in operator_table.cc.
//
// Thread: any (immutable after construction).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/access_log/time_format.h"
#include "source/access_log/value.h"

namespace proxenos::cel {
class Expression;
}

namespace proxenos::access_log {

// The name of a field to look up, control data (":path") included.
struct HeaderKey {
  enum class Control : uint8_t { kNone, kMethod, kPath, kAuthority, kScheme, kUpgrade, kStatus };
  Control control = Control::kNone;
  http::HeaderId id = http::HeaderId::kUnknown;
  std::string name;  // Lower case; empty: no such key.
};

// When something happened; 0: it has not, or nobody knows.
using Instant = base::MonoTime (*)(const FormatInput& input);

struct Operator {
  using Read = Value (*)(const Operator& self, const FormatInput& input, Scratch& scratch);

  Read read = nullptr;
  uint32_t limit = UINT32_MAX;  // The ":N" after an operator.
  // What of the following is used depends on `read`.
  HeaderKey key;
  HeaderKey alternative;
  std::string text;
  std::vector<std::string> path;
  std::optional<TimeFormat> time;
  Instant from = nullptr;
  Instant to = nullptr;
  base::Nanos unit = base::kMillisecond;
  int choice = 0;
  std::shared_ptr<const cel::Expression> expression;
  std::vector<Operator> alternatives;  // Of which the first counts that has a value.

  Value Get(const FormatInput& input, Scratch& scratch) const {
    Value value = read(*this, input, scratch);
    value.limit = std::min(value.limit, limit);
    return value;
  }
};

// Parts of an operator as they stand in a format: %NAME(argument):limit%.
struct OperatorText {
  absl::string_view name;
  std::optional<absl::string_view> argument;  // Not empty.
  std::optional<uint32_t> limit;
};

// What more than the built-in operators a format may use.
struct OperatorExtensions {
  bool req_without_query = false;  // envoy.formatter.req_without_query
};

// Error: unknown, not implemented, or with arguments it does not take; it names the operator.
absl::StatusOr<Operator> CompileOperator(const OperatorText& text,
                                         const OperatorExtensions& extensions);

}  // namespace proxenos::access_log
