// Making, comparing and looking into values.
#include "source/cel/value.h"

#include <cmath>
#include <compare>
#include <limits>

namespace proxenos::cel {
namespace {

using Kind = Value::Kind;

constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59Z

constexpr int kMaxEqualDepth = 32;

bool EqualAt(const Value& a, const Value& b, int depth, Memory& memory);

bool EqualLists(const Value& a, const Value& b, int depth, Memory& memory) {
  const size_t count = a.Count();
  if (count != b.Count()) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!EqualAt(a.At(i), b.At(i), depth + 1, memory)) return false;
  }
  return true;
}

bool EqualMaps(const Value& a, const Value& b, int depth, Memory& memory) {
  if (a.Count() != b.Count()) return false;
  if (!memory.Charge(a.Count() * sizeof(Value))) return false;
  Items& keys = memory.NewItems();
  a.AppendKeys(keys);
  for (const Value& key : keys) {
    const std::optional<Value> left = a.Find(key, memory);
    const std::optional<Value> right = b.Find(key, memory);
    if (!left || !right || !EqualAt(*left, *right, depth + 1, memory)) return false;
  }
  return true;
}

bool EqualAt(const Value& a, const Value& b, int depth, Memory& memory) {
  if (depth > kMaxEqualDepth) {
    memory.Walk(Memory::kMaxBytes);  // Nobody knows: that takes all steps that are left.
    return false;
  }
  if (!memory.Step()) return false;
  if (a.IsNumber() && b.IsNumber()) return Compare(a, b) == 0;
  if (a.IsList() && b.IsList()) return EqualLists(a, b, depth, memory);
  if (a.IsMap() && b.IsMap()) return EqualMaps(a, b, depth, memory);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kNull:
      return true;
    case Kind::kString:
    case Kind::kBytes:
      return memory.Walk(a.size) && a.text() == b.text();
    default:
      return Compare(a, b) == 0;
  }
}

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

std::optional<int> OrderOfDoubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::nullopt;
  return Order(a, b);
}

// Exact: a double is not rounded to an integer nor the other way round.
std::optional<int> OrderOfIntAndDouble(int64_t a, double b) {
  if (std::isnan(b)) return std::nullopt;
  if (b >= 0x1p63) return -1;
  if (b < -0x1p63) return 1;
  const int64_t whole = static_cast<int64_t>(b);
  if (a != whole) return Order(a, whole);
  return Order(0.0, b - std::trunc(b));
}

std::optional<int> OrderOfUintAndDouble(uint64_t a, double b) {
  if (std::isnan(b)) return std::nullopt;
  if (b >= 0x1p64) return -1;
  if (b < 0) return 1;
  const uint64_t whole = static_cast<uint64_t>(b);
  if (a != whole) return Order(a, whole);
  return Order(0.0, b - std::trunc(b));
}

std::optional<int> Reversed(std::optional<int> order) {
  if (!order) return order;
  return -*order;
}

std::optional<int> CompareNumbers(const Value& a, const Value& b) {
  if (a.kind == Kind::kDouble) {
    if (b.kind == Kind::kDouble) return OrderOfDoubles(a.real, b.real);
    return Reversed(CompareNumbers(b, a));
  }
  if (b.kind == Kind::kDouble) {
    return a.kind == Kind::kInt ? OrderOfIntAndDouble(a.integer, b.real)
                                : OrderOfUintAndDouble(a.natural, b.real);
  }
  if (a.kind == b.kind) {
    return a.kind == Kind::kInt ? Order(a.integer, b.integer) : Order(a.natural, b.natural);
  }
  if (a.kind == Kind::kUint) return Reversed(CompareNumbers(b, a));
  return a.integer < 0 ? -1 : Order(static_cast<uint64_t>(a.integer), b.natural);
}

}  // namespace

Value Value::Error(const char* why) {
  Value value;
  value.kind = Kind::kError;
  value.bytes = why;
  return value;
}

Value Value::Bool(bool flag) {
  Value value;
  value.kind = Kind::kBool;
  value.boolean = flag;
  return value;
}

Value Value::Int(int64_t number) {
  Value value;
  value.kind = Kind::kInt;
  value.integer = number;
  return value;
}

Value Value::Uint(uint64_t number) {
  Value value;
  value.kind = Kind::kUint;
  value.natural = number;
  return value;
}

Value Value::Double(double number) {
  Value value;
  value.kind = Kind::kDouble;
  value.real = number;
  return value;
}

Value Value::Text(Kind kind, absl::string_view text) {
  Value value;
  value.kind = kind;
  value.bytes = text.data();
  value.size = text.size();
  return value;
}

Value Value::Duration(absl::Duration duration) {
  absl::Duration rest;
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &rest);
  if (seconds > kMaxDurationSeconds || seconds < -kMaxDurationSeconds) {
    return Error("duration out of range");
  }
  Value value;
  value.kind = Kind::kDuration;
  value.integer = seconds;
  value.nanos = static_cast<int32_t>(absl::ToInt64Nanoseconds(rest));
  return value;
}

Value Value::Timestamp(absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);  // Rounded down.
  if (seconds < kFirstSecond || seconds > kLastSecond) return Error("timestamp out of range");
  Value value;
  value.kind = Kind::kTimestamp;
  value.integer = seconds;
  value.nanos =
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)));
  return value;
}

Value Value::List(const Items& items) {
  Value value;
  value.kind = Kind::kList;
  value.items = &items;
  value.size = items.size();
  return value;
}

Value Value::OfMap(const Map& map) {
  Value value;
  value.kind = Kind::kMap;
  value.map = &map;
  return value;
}

Value Value::Json(const json::Object& object) {
  Value value;
  value.kind = Kind::kJsonMap;
  value.json_map = &object;
  return value;
}

Value Value::Json(const json::Value& json) {
  if (json.boolean() != nullptr) return Bool(*json.boolean());
  if (json.text() != nullptr) return String(*json.text());
  if (json.object() != nullptr) return Json(*json.object());
  if (json.list() != nullptr) {
    Value value;
    value.kind = Kind::kJsonList;
    value.json_list = json.list();
    return value;
  }
  const std::optional<double> number = json.number();
  return number ? Double(*number) : Null();
}

size_t Value::Count() const {
  switch (kind) {
    case Kind::kList:
      return size;
    case Kind::kJsonList:
      return json_list->size();
    case Kind::kMap:
      return map->size();
    default:
      return json_map->size();
  }
}

Value Value::At(size_t index) const {
  return kind == Kind::kList ? (*items)[index] : Json((*json_list)[index]);
}

std::optional<Value> Value::Find(const Value& key, Memory& memory) const {
  if (kind == Kind::kMap) return map->Find(key, memory);
  if (key.kind != Kind::kString) return std::nullopt;
  const auto it = json_map->find(std::string_view(key.bytes, key.size));
  if (it == json_map->end()) return std::nullopt;
  return Json(it->second);
}

void Value::AppendKeys(Items& keys) const {
  if (kind == Kind::kMap) return map->AppendKeys(keys);
  for (const auto& [key, value] : *json_map) keys.push_back(String(key));
}

bool Memory::Charge(size_t bytes) {
  if (bytes > kMaxBytes - bytes_) {
    steps_ = kMaxSteps;  // What had no room is not to be told from what is not so: no step is left.
    return false;
  }
  bytes_ += bytes;
  return true;
}

Value Memory::Keep(Kind kind, std::string text) {
  if (!Charge(text.size() + sizeof(std::string))) return Value::Error(kTooMuch);
  texts_.push_back(std::make_unique<const std::string>(std::move(text)));
  Value value = Value::String(*texts_.back());
  value.kind = kind;
  return value;
}

Items& Memory::NewItems() {
  lists_.push_back(std::make_unique<Items>());
  return *lists_.back();
}

Value Memory::Append(const Value& list, const Value& item) {
  // The newest list is that of the innermost loop, which is what is added to in most cases.
  for (auto own = lists_.rbegin(); own != lists_.rend() && own - lists_.rbegin() < 4; ++own) {
    if (list.kind != Kind::kList || own->get() != list.items) continue;
    if (list.size != (*own)->size()) break;  // Somebody else has added to it.
    if (!Charge(sizeof(Value))) return Value::Error(kTooMuch);
    (*own)->push_back(item);
    return Value::List(**own);
  }
  const size_t count = list.Count();
  if (!Walk(count * sizeof(Value)) || !Charge((count + 1) * sizeof(Value))) {
    return Value::Error(kTooMuch);
  }
  Items& items = NewItems();
  for (size_t i = 0; i < count; ++i) items.push_back(list.At(i));
  items.push_back(item);
  return Value::List(items);
}

bool Equal(const Value& a, const Value& b, Memory& memory) { return EqualAt(a, b, 0, memory); }

std::optional<int> Compare(const Value& a, const Value& b) {
  if (a.IsNumber() && b.IsNumber()) return CompareNumbers(a, b);
  if (a.kind != b.kind) return std::nullopt;
  switch (a.kind) {
    case Kind::kBool:
      return Order(a.boolean, b.boolean);
    case Kind::kString:
    case Kind::kBytes: {
      const int order = a.text().compare(b.text());
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case Kind::kDuration:
    case Kind::kTimestamp:
      return a.integer != b.integer ? Order(a.integer, b.integer) : Order(a.nanos, b.nanos);
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> ExactInt(const Value& value) {
  switch (value.kind) {
    case Kind::kInt:
      return value.integer;
    case Kind::kUint:
      if (value.natural > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) break;
      return static_cast<int64_t>(value.natural);
    case Kind::kDouble:
      if (!(value.real >= -0x1p63 && value.real < 0x1p63)) break;
      if (std::trunc(value.real) != value.real) break;
      return static_cast<int64_t>(value.real);
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace proxenos::cel
