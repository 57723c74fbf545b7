// Looking into values, and writing them.
#include "source/json/value.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "source/json/quoted.h"

namespace proxenos::json {
namespace {

// The shortest text that reads back as the same number. JSON has no infinities.
void AppendNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char digits[32];
  for (int precision = 15; precision <= 17; ++precision) {
    std::snprintf(digits, sizeof(digits), "%.*g", precision, number);
    if (std::strtod(digits, nullptr) == number) break;
  }
  out += digits;
}

}  // namespace

std::optional<double> Value::number() const {
  if (const auto* whole = std::get_if<int64_t>(&value_)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value_)) return *real;
  return std::nullopt;
}

std::optional<int64_t> Value::integer() const {
  if (const auto* whole = std::get_if<int64_t>(&value_)) return *whole;
  const auto* real = std::get_if<double>(&value_);
  // 2^63 itself is no int64.
  if (real == nullptr || *real < -0x1p63 || *real >= 0x1p63 || std::trunc(*real) != *real) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*real);
}

const Value* FindPath(const Object& object, const std::vector<std::string>& names) {
  const Object* level = &object;
  const Value* found = nullptr;
  for (const std::string& name : names) {
    if (level == nullptr) return nullptr;
    const auto it = level->find(name);
    if (it == level->end()) return nullptr;
    found = &it->second;
    level = found->object();
  }
  return found;
}

absl::string_view FindText(const Object& object, absl::string_view name) {
  const auto it = object.find(name);
  const std::string* text = it == object.end() ? nullptr : it->second.text();
  return text == nullptr ? absl::string_view() : absl::string_view(*text);
}

void AppendJson(const Object& object, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : object) {
    if (!std::exchange(first, false)) out += ',';
    AppendQuoted(name, out);
    out += ':';
    AppendJson(value, out);
  }
  out += '}';
}

void AppendJson(const Value& value, std::string& out) {
  if (const bool* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (const std::string* text = value.text()) {
    AppendQuoted(*text, out);
  } else if (const Object* object = value.object()) {
    AppendJson(*object, out);
  } else if (const List* list = value.list()) {
    out += '[';
    for (size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      AppendJson((*list)[i], out);
    }
    out += ']';
  } else if (const auto whole = value.integer()) {
    absl::StrAppend(&out, *whole);
  } else if (const auto number = value.number()) {
    AppendNumber(*number, out);
  } else {
    out += "null";
  }
}

std::string ToJson(const Value& value) {
  std::string out;
  AppendJson(value, out);
  return out;
}

}  // namespace proxenos::json
