// int(), uint(), double(), string(), bytes(), bool(), duration(), timestamp().
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/base/utf8.h"
#include "source/cel/function.h"

namespace proxenos::cel {
namespace {

using Kind = Value::Kind;
using Arguments = absl::Span<const Value>;
using Needs = FunctionRow::Needs;

// Longer texts are no numbers and no times.
constexpr size_t kMaxNumberBytes = 128;

Value Overload() { return Value::Error(kNoSuchOverload); }
Value OutOfRange() { return Value::Error("out of range"); }
Value NoSuchText() { return Value::Error("a text that says no such value"); }

Value ToInt(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  switch (value.kind) {
    case Kind::kInt:
      return value;
    case Kind::kUint:
      return value.natural > static_cast<uint64_t>(INT64_MAX)
                 ? OutOfRange()
                 : Value::Int(static_cast<int64_t>(value.natural));
    case Kind::kDouble:
      if (!(value.real > -0x1p63 && value.real < 0x1p63)) return OutOfRange();
      return Value::Int(static_cast<int64_t>(value.real));
    case Kind::kTimestamp:
      return Value::Int(value.integer);
    case Kind::kString: {
      int64_t number;
      if (value.size > kMaxNumberBytes || !absl::SimpleAtoi(value.text(), &number)) {
        return NoSuchText();
      }
      return Value::Int(number);
    }
    default:
      return Overload();
  }
}

Value ToUint(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  switch (value.kind) {
    case Kind::kUint:
      return value;
    case Kind::kInt:
      return value.integer < 0 ? OutOfRange() : Value::Uint(static_cast<uint64_t>(value.integer));
    case Kind::kDouble:
      if (!(value.real > -1 && value.real < 0x1p64)) return OutOfRange();
      return Value::Uint(static_cast<uint64_t>(value.real));
    case Kind::kString: {
      uint64_t number;
      if (value.size > kMaxNumberBytes || !absl::SimpleAtoi(value.text(), &number)) {
        return NoSuchText();
      }
      return Value::Uint(number);
    }
    default:
      return Overload();
  }
}

Value ToDouble(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  switch (value.kind) {
    case Kind::kDouble:
      return value;
    case Kind::kInt:
      return Value::Double(static_cast<double>(value.integer));
    case Kind::kUint:
      return Value::Double(static_cast<double>(value.natural));
    case Kind::kString: {
      double number;
      if (value.size > kMaxNumberBytes || !absl::SimpleAtod(value.text(), &number)) {
        return NoSuchText();
      }
      return Value::Double(number);
    }
    default:
      return Overload();
  }
}

Value ToBool(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kBool) return value;
  if (value.kind != Kind::kString) return Overload();
  for (absl::string_view yes : {"true", "True", "TRUE", "t", "1"}) {
    if (value.text() == yes) return Value::Bool(true);
  }
  for (absl::string_view no : {"false", "False", "FALSE", "f", "0"}) {
    if (value.text() == no) return Value::Bool(false);
  }
  return NoSuchText();
}

Value ToBytes(Arguments arguments, Memory&) {
  return arguments[0].IsText() ? Value::Bytes(arguments[0].text()) : Overload();
}

Value ToString(Arguments arguments, Memory& memory) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kString) return value;
  if (value.kind == Kind::kBytes) {
    if (!memory.Walk(value.size)) return Value::Error(kTooMuch);
    return base::IsUtf8(value.text()) ? Value::String(value.text())
                                      : Value::Error("bytes are no UTF-8");
  }
  std::optional<std::string> text = ToText(value);
  return text ? memory.KeepString(*std::move(text)) : Overload();
}

Value ToDuration(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kDuration) return value;
  if (value.kind != Kind::kString) return Overload();
  absl::Duration duration;
  if (value.size > kMaxNumberBytes || !absl::ParseDuration(value.text(), &duration)) {
    return NoSuchText();
  }
  return Value::Duration(duration);
}

Value ToTimestamp(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kTimestamp) return value;
  if (value.kind == Kind::kInt) {
    return value.integer > INT32_MAX * int64_t{1000} || value.integer < INT32_MIN * int64_t{1000}
               ? OutOfRange()
               : Value::Timestamp(absl::FromUnixSeconds(value.integer));
  }
  if (value.kind != Kind::kString) return Overload();
  absl::Time time;
  std::string error;
  if (value.size > kMaxNumberBytes ||
      !absl::ParseTime(absl::RFC3339_full, value.text(), &time, &error)) {
    return NoSuchText();
  }
  return Value::Timestamp(time);
}

Value Same(Arguments arguments, Memory&) { return arguments[0]; }

constexpr FunctionRow kRows[] = {
    {"int", 1, ToInt},
    {"uint", 1, ToUint},
    {"double", 1, ToDouble},
    {"bool", 1, ToBool},
    {"bytes", 1, ToBytes},
    {"string", 1, ToString, Needs::kConversion},
    {"duration", 1, ToDuration},
    {"timestamp", 1, ToTimestamp},
    {"dyn", 1, Same},
};

// ".5" seconds as protobuf's JSON writes them: ".500"; nothing for 0.
std::string Fraction(int32_t nanos) {
  if (nanos == 0) return std::string();
  std::string digits = absl::StrCat(nanos);
  digits.insert(0, 9 - digits.size(), '0');
  while (digits.size() > 3 && digits.compare(digits.size() - 3, 3, "000") == 0) {
    digits.resize(digits.size() - 3);
  }
  return absl::StrCat(".", digits);
}

std::string DurationText(const Value& value) {
  const bool negative = value.integer < 0 || value.nanos < 0;
  return absl::StrCat(negative ? "-" : "", negative ? -value.integer : value.integer,
                      Fraction(negative ? -value.nanos : value.nanos), "s");
}

std::string TimestampText(const Value& value) {
  const absl::Time seconds = absl::FromUnixSeconds(value.integer);
  return absl::StrCat(absl::FormatTime("%E4Y-%m-%dT%H:%M:%S", seconds, absl::UTCTimeZone()),
                      Fraction(value.nanos), "Z");
}

}  // namespace

absl::Span<const FunctionRow> ConversionRows() { return kRows; }

std::optional<std::string> ToText(const Value& value) {
  switch (value.kind) {
    case Kind::kBool:
      return value.boolean ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(value.integer);
    case Kind::kUint:
      return absl::StrCat(value.natural);
    case Kind::kDouble: {
      char text[32];
      const auto end = std::to_chars(text, text + sizeof(text), value.real);
      return std::string(text, end.ptr);
    }
    case Kind::kString:
      return std::string(value.text());
    case Kind::kBytes:
      if (!base::IsUtf8(value.text())) return std::nullopt;
      return std::string(value.text());
    case Kind::kDuration:
      return DurationText(value);
    case Kind::kTimestamp:
      return TimestampText(value);
    default:
      return std::nullopt;
  }
}

const FunctionRow* FindFunction(absl::string_view name, size_t arguments, bool* known) {
  *known = false;
  for (const absl::Span<const FunctionRow> rows : {OperatorRows(), TextRows(), ConversionRows()}) {
    for (const FunctionRow& row : rows) {
      if (row.name != name) continue;
      if (row.arguments == arguments) return &row;
      *known = true;
    }
  }
  return nullptr;
}

}  // namespace proxenos::cel
