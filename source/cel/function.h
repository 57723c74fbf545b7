// The functions and operators of the language that need all of their arguments: by name and number
// of arguments, and what each does.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "source/cel/value.h"

namespace proxenos::cel {

// Arguments are no errors, and as many as the row says.
using Function = Value (*)(absl::Span<const Value> arguments, Memory& memory);

struct FunctionRow {
  absl::string_view name;
  size_t arguments = 0;  // The target of a member function is the first.
  Function function = nullptr;
  // What has to be switched on for it.
  enum class Needs : uint8_t { kNothing, kConversion, kStringFunctions } needs = Needs::kNothing;
};

// Null: there is none. `known`: whether one of that name takes another number of arguments.
const FunctionRow* FindFunction(absl::string_view name, size_t arguments, bool* known);

// `+` where texts may not be joined.
Value AddButTexts(absl::Span<const Value> arguments, Memory& memory);

// a[b]
Value Index(const Value& container, const Value& key, Memory& memory);
// container.field, by its key.
Value Field(const Value& container, const Value& key, Memory& memory);

// Parts of timestamps, in a time zone, and of durations.
enum class TimePart : uint8_t {
  kYear,
  kMonth,
  kDate,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
};
std::optional<TimePart> FindTimePart(absl::string_view function);
Value PartOf(const Value& value, TimePart part, const absl::TimeZone& zone);
// "Europe/Zurich", "UTC", "+02:00". Nothing: there is no such zone. Reads files.
std::optional<absl::TimeZone> FindZone(absl::string_view name);

// The tables (operators.cc, text_functions.cc, conversions.cc).
absl::Span<const FunctionRow> OperatorRows();
absl::Span<const FunctionRow> TextRows();
absl::Span<const FunctionRow> ConversionRows();

// As string() writes it; nothing for lists, maps, null, errors and bytes that are no UTF-8.
std::optional<std::string> ToText(const Value& value);

}  // namespace proxenos::cel
