// Arithmetic, comparison, `in`, and looking into lists and maps.
#include <cmath>
#include <limits>

#include "source/cel/function.h"

namespace proxenos::cel {
namespace {

using Kind = Value::Kind;
using Arguments = absl::Span<const Value>;

constexpr char kOverflow[] = "integer overflow";
constexpr char kDivideByZero[] = "divide by zero";
constexpr char kModulusByZero[] = "modulus by zero";
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

Value Overload() { return Value::Error(kNoSuchOverload); }

Value AddTimes(const Value& a, const Value& b) {
  if (a.kind == Kind::kDuration && b.kind == Kind::kDuration) {
    return Value::Duration(a.duration() + b.duration());
  }
  if (a.kind == Kind::kTimestamp && b.kind == Kind::kDuration) {
    return Value::Timestamp(a.timestamp() + b.duration());
  }
  if (a.kind == Kind::kDuration && b.kind == Kind::kTimestamp) return AddTimes(b, a);
  return Overload();
}

Value AddLists(const Value& a, const Value& b, Memory& memory) {
  const size_t count = a.Count() + b.Count();
  if (!memory.Walk(count * sizeof(Value)) || !memory.Charge(count * sizeof(Value))) {
    return Value::Error(kTooMuch);
  }
  Items& items = memory.NewItems();
  items.reserve(count);
  for (size_t i = 0; i < a.Count(); ++i) items.push_back(a.At(i));
  for (size_t i = 0; i < b.Count(); ++i) items.push_back(b.At(i));
  return Value::List(items);
}

Value AddTexts(const Value& a, const Value& b, Memory& memory) {
  if (a.size + b.size > Memory::kMaxBytes) return Value::Error(kTooMuch);
  std::string sum;
  sum.reserve(a.size + b.size);
  sum.append(a.bytes, a.size);
  sum.append(b.bytes, b.size);
  return memory.Keep(a.kind, std::move(sum));
}

Value Add(Arguments arguments, Memory& memory) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.IsList() && b.IsList()) return AddLists(a, b, memory);
  if (a.kind != b.kind) return AddTimes(a, b);
  switch (a.kind) {
    case Kind::kInt: {
      int64_t sum;
      if (__builtin_add_overflow(a.integer, b.integer, &sum)) return Value::Error(kOverflow);
      return Value::Int(sum);
    }
    case Kind::kUint: {
      uint64_t sum;
      if (__builtin_add_overflow(a.natural, b.natural, &sum)) return Value::Error(kOverflow);
      return Value::Uint(sum);
    }
    case Kind::kDouble:
      return Value::Double(a.real + b.real);
    case Kind::kString:
    case Kind::kBytes:
      return AddTexts(a, b, memory);
    default:
      return AddTimes(a, b);
  }
}

Value SubtractTimes(const Value& a, const Value& b) {
  if (a.kind == Kind::kDuration && b.kind == Kind::kDuration) {
    return Value::Duration(a.duration() - b.duration());
  }
  if (a.kind == Kind::kTimestamp && b.kind == Kind::kDuration) {
    return Value::Timestamp(a.timestamp() - b.duration());
  }
  if (a.kind == Kind::kTimestamp && b.kind == Kind::kTimestamp) {
    return Value::Duration(a.timestamp() - b.timestamp());
  }
  return Overload();
}

Value Subtract(Arguments arguments, Memory&) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.kind == Kind::kInt && b.kind == Kind::kInt) {
    int64_t rest;
    if (__builtin_sub_overflow(a.integer, b.integer, &rest)) return Value::Error(kOverflow);
    return Value::Int(rest);
  }
  if (a.kind == Kind::kUint && b.kind == Kind::kUint) {
    if (b.natural > a.natural) return Value::Error(kOverflow);
    return Value::Uint(a.natural - b.natural);
  }
  if (a.kind == Kind::kDouble && b.kind == Kind::kDouble) return Value::Double(a.real - b.real);
  return SubtractTimes(a, b);
}

Value Multiply(Arguments arguments, Memory&) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.kind != b.kind) return Overload();
  if (a.kind == Kind::kInt) {
    int64_t product;
    if (__builtin_mul_overflow(a.integer, b.integer, &product)) return Value::Error(kOverflow);
    return Value::Int(product);
  }
  if (a.kind == Kind::kUint) {
    uint64_t product;
    if (__builtin_mul_overflow(a.natural, b.natural, &product)) return Value::Error(kOverflow);
    return Value::Uint(product);
  }
  return a.kind == Kind::kDouble ? Value::Double(a.real * b.real) : Overload();
}

Value Divide(Arguments arguments, Memory&) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.kind != b.kind) return Overload();
  if (a.kind == Kind::kInt) {
    if (b.integer == 0) return Value::Error(kDivideByZero);
    if (a.integer == kLeast && b.integer == -1) return Value::Error(kOverflow);
    return Value::Int(a.integer / b.integer);
  }
  if (a.kind == Kind::kUint) {
    return b.natural == 0 ? Value::Error(kDivideByZero) : Value::Uint(a.natural / b.natural);
  }
  if (a.kind != Kind::kDouble) return Overload();
  if (b.real != 0) return Value::Double(a.real / b.real);
  // As IEEE 754 has it, which C++ leaves open.
  if (a.real == 0 || std::isnan(a.real)) {
    return Value::Double(std::numeric_limits<double>::quiet_NaN());
  }
  const bool negative = std::signbit(a.real) != std::signbit(b.real);
  const double infinity = std::numeric_limits<double>::infinity();
  return Value::Double(negative ? -infinity : infinity);
}

Value Remainder(Arguments arguments, Memory&) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.kind != b.kind) return Overload();
  if (a.kind == Kind::kInt) {
    if (b.integer == 0) return Value::Error(kModulusByZero);
    if (a.integer == kLeast && b.integer == -1) return Value::Error(kOverflow);
    return Value::Int(a.integer % b.integer);
  }
  if (a.kind != Kind::kUint) return Overload();
  return b.natural == 0 ? Value::Error(kModulusByZero) : Value::Uint(a.natural % b.natural);
}

Value Negate(Arguments arguments, Memory&) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kDouble) return Value::Double(-value.real);
  if (value.kind != Kind::kInt) return Overload();
  if (value.integer == kLeast) return Value::Error(kOverflow);
  return Value::Int(-value.integer);
}

Value Not(Arguments arguments, Memory&) {
  if (arguments[0].kind != Kind::kBool) return Overload();
  return Value::Bool(!arguments[0].boolean);
}

// Comparing texts takes time by their length; what has no order at all is an error, but a NaN.
template <typename Holds>
Value Relation(Arguments arguments, Memory& memory, Holds holds) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  const bool numbers = a.IsNumber() && b.IsNumber();
  const bool ordered = a.kind == b.kind && !a.IsList() && !a.IsMap() && a.kind != Kind::kNull;
  if (!numbers && !ordered) return Overload();
  if (a.IsText() && !memory.Walk(a.size)) return Value::Error(kTooMuch);
  const std::optional<int> order = Compare(a, b);
  return Value::Bool(order.has_value() && holds(*order));
}

Value Less(Arguments arguments, Memory& memory) {
  return Relation(arguments, memory, [](int order) { return order < 0; });
}
Value AtMost(Arguments arguments, Memory& memory) {
  return Relation(arguments, memory, [](int order) { return order <= 0; });
}
Value Greater(Arguments arguments, Memory& memory) {
  return Relation(arguments, memory, [](int order) { return order > 0; });
}
Value AtLeast(Arguments arguments, Memory& memory) {
  return Relation(arguments, memory, [](int order) { return order >= 0; });
}

Value EqualTo(Arguments arguments, Memory& memory) {
  const bool equal = Equal(arguments[0], arguments[1], memory);
  return memory.Step() ? Value::Bool(equal) : Value::Error(kTooMuch);
}
Value NotEqualTo(Arguments arguments, Memory& memory) {
  const Value equal = EqualTo(arguments, memory);
  return equal.IsError() ? equal : Value::Bool(!equal.boolean);
}

Value In(Arguments arguments, Memory& memory) {
  const Value& wanted = arguments[0];
  const Value& container = arguments[1];
  if (container.IsMap()) return Value::Bool(container.Find(wanted, memory).has_value());
  if (!container.IsList()) return Overload();
  const size_t count = container.Count();
  for (size_t i = 0; i < count; ++i) {
    if (Equal(wanted, container.At(i), memory)) return Value::Bool(true);
  }
  return memory.Step() ? Value::Bool(false) : Value::Error(kTooMuch);
}

Value IndexOf(Arguments arguments, Memory& memory) {
  return Index(arguments[0], arguments[1], memory);
}

constexpr FunctionRow kRows[] = {
    {"_+_", 2, Add},       {"_-_", 2, Subtract}, {"_*_", 2, Multiply},    {"_/_", 2, Divide},
    {"_%_", 2, Remainder}, {"-_", 1, Negate},    {"!_", 1, Not},          {"_<_", 2, Less},
    {"_<=_", 2, AtMost},   {"_>_", 2, Greater},  {"_>=_", 2, AtLeast},    {"_==_", 2, EqualTo},
    {"@in", 2, In},        {"_in_", 2, In},      {"_!=_", 2, NotEqualTo}, {"_[_]", 2, IndexOf},
    {"in", 2, In},
};

}  // namespace

Value AddButTexts(absl::Span<const Value> arguments, Memory& memory) {
  return arguments[0].IsText() ? Overload() : Add(arguments, memory);
}

Value Index(const Value& container, const Value& key, Memory& memory) {
  if (container.IsMap()) return Field(container, key, memory);
  if (!container.IsList()) return Overload();
  const std::optional<int64_t> index = ExactInt(key);
  if (!index) return Overload();
  if (*index < 0 || static_cast<uint64_t>(*index) >= container.Count()) {
    return Value::Error("index out of bounds");
  }
  return container.At(static_cast<size_t>(*index));
}

Value Field(const Value& container, const Value& key, Memory& memory) {
  if (!container.IsMap()) return Overload();
  const std::optional<Value> found = container.Find(key, memory);
  return found ? *found : Value::Error(kNoSuchKey);
}

absl::Span<const FunctionRow> OperatorRows() { return kRows; }

}  // namespace proxenos::cel
