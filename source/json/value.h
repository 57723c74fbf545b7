// Value: one JSON value of the data path: what filters leave to each other as dynamic metadata and
// what a token claims. protobuf's Struct is the same thing on the wire.
//
// Invariant: texts are as they came, UTF-8 where a parser made them. Thread: one, or any while
// nobody changes it.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::json {

class Value;
using List = std::vector<Value>;
using Object = std::map<std::string, Value, std::less<>>;

class Value {
 public:
  Value() = default;  // null
  template <std::same_as<bool> Bool>
  explicit Value(Bool value) : value_(value) {}
  explicit Value(int64_t value) : value_(value) {}
  explicit Value(double value) : value_(value) {}
  explicit Value(std::string value) : value_(std::move(value)) {}
  explicit Value(List value) : value_(std::move(value)) {}
  explicit Value(Object value) : value_(std::move(value)) {}

  // Null where the value is of another kind.
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const List* list() const { return std::get_if<List>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  Object* object() { return std::get_if<Object>(&value_); }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  std::optional<double> number() const;
  // A number without a fraction that an int64 holds.
  std::optional<int64_t> integer() const;

  friend bool operator==(const Value& a, const Value& b) = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Object> value_;
};

// The value under these names, one level after another, or null.
const Value* FindPath(const Object& object, const std::vector<std::string>& names);
// A member that is a text; empty when there is none.
absl::string_view FindText(const Object& object, absl::string_view name);

// The text of RFC 8259 without blanks. What is no UTF-8 in a text is written as U+FFFD.
void AppendJson(const Value& value, std::string& out);
void AppendJson(const Object& object, std::string& out);
std::string ToJson(const Value& value);

}  // namespace proxenos::json
