// %COALESCE({"operators": [...]})%: the first of several operators that has a value.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/access_log/operator.h"
#include "source/access_log/operator_row.h"
#include "source/json/parse.h"

namespace proxenos::access_log {
namespace {

constexpr absl::string_view kName = "COALESCE";
constexpr size_t kMostAlternatives = 32;

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

bool IsEmpty(const Value& value) {
  if (value.kind == Value::Kind::kAbsent) return true;
  if (value.kind == Value::Kind::kJson) return value.json->is_null();
  const bool text = value.kind == Value::Kind::kText || value.kind == Value::Kind::kBody ||
                    value.kind == Value::Kind::kUnderscored ||
                    value.kind == Value::Kind::kPercentEncoded;
  return text && value.text.empty();
}

// "NAME", or {"command": "NAME", "param": "...", "max_length": 5}. The views are into `json`.
absl::Status ReadEntry(const json::Value& json, OperatorText& text) {
  if (const std::string* name = json.text()) {
    text.name = *name;
    return absl::OkStatus();
  }
  if (json.object() == nullptr) return Wrong("an operator is a name or an object");
  for (const auto& [field, value] : *json.object()) {
    if (field == "command" && value.text() != nullptr) {
      text.name = *value.text();
    } else if (field == "param" && value.text() != nullptr) {
      if (!value.text()->empty()) text.argument = *value.text();
    } else if (field == "max_length" && value.integer().value_or(0) > 0) {
      text.limit = static_cast<uint32_t>(std::min<int64_t>(*value.integer(), UINT32_MAX));
    } else {
      return Wrong(absl::StrCat("'", field, "' is not command, param or max_length, or its value ",
                                "is none of these"));
    }
  }
  return text.name.empty() ? Wrong("an operator needs a command") : absl::OkStatus();
}

}  // namespace

absl::Status CompileCoalesce(absl::string_view argument, const OperatorExtensions& extensions,
                             Operator& out) {
  const std::optional<json::Object> json = json::ParseObject(argument);
  if (!json) return Wrong("takes an object in JSON");
  const auto operators = json->find("operators");
  if (json->size() != 1 || operators == json->end() || operators->second.list() == nullptr) {
    return Wrong("takes an object whose one member is a list of 'operators'");
  }
  const json::List& list = *operators->second.list();
  if (list.empty() || list.size() > kMostAlternatives) {
    return Wrong(absl::StrCat("takes 1 to ", kMostAlternatives, " operators"));
  }
  for (const json::Value& each : list) {
    OperatorText text;
    const absl::Status status = ReadEntry(each, text);
    if (!status.ok()) return status;
    if (text.name == kName) return Wrong("is not taken inside of another");
    absl::StatusOr<Operator> compiled = CompileOperator(text, extensions);
    if (!compiled.ok()) return compiled.status();
    out.alternatives.push_back(*std::move(compiled));
  }
  return absl::OkStatus();
}

Value ReadCoalesce(const Operator& self, const FormatInput& input, Scratch& scratch) {
  for (const Operator& each : self.alternatives) {
    const Value value = each.Get(input, scratch);
    if (!IsEmpty(value)) return value;
  }
  return Value();
}

}  // namespace proxenos::access_log
