// %CEL(expression)% and %TYPED_CEL(expression)%: what an expression of attributes evaluates to, as
// text, or in JSON as the value that it is.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "source/access_log/attributes.h"
#include "source/access_log/operator_row.h"
#include "source/cel/expression.h"
#include "source/cel/function.h"
#include "source/cel/print.h"

namespace proxenos::access_log {
namespace {

using CelValue = cel::Value;
using Kind = CelValue::Kind;

constexpr int kMaxJsonDepth = 16;

// What may have been made for the expression is copied to where it lives until the next operator is
// read on this thread.
Value Keep(absl::string_view text, Scratch& scratch) {
  if (text.size() <= sizeof(scratch.bytes)) {
    std::copy(text.begin(), text.end(), scratch.bytes);
    return Value::Text(absl::string_view(scratch.bytes, text.size()));
  }
  thread_local std::string kept;
  kept.assign(text.data(), text.size());
  return Value::Text(kept);
}

// Texts are most of what is printed, and need no copy of their own.
Value Show(const CelValue& value, Scratch& scratch) {
  if (value.IsError()) return Value();
  return Keep(value.IsText() ? value.text() : absl::string_view(cel::Print(value)), scratch);
}

// As protobuf writes values in JSON. What is nested too deep, or takes too long, is null.
json::Value ToJson(const CelValue& value, int depth, cel::Memory& memory) {
  if (depth > kMaxJsonDepth || !memory.Step()) return json::Value();
  switch (value.kind) {
    case Kind::kBool:
      return json::Value(value.boolean);
    case Kind::kInt:
      return json::Value(value.integer);
    case Kind::kUint:
      return value.natural > INT64_MAX ? json::Value(static_cast<double>(value.natural))
                                       : json::Value(static_cast<int64_t>(value.natural));
    case Kind::kDouble:
      return json::Value(value.real);
    case Kind::kBytes:
      return json::Value(absl::Base64Escape(value.text()));
    case Kind::kList:
    case Kind::kJsonList: {
      json::List list;
      for (size_t i = 0; i < value.Count(); ++i) {
        list.push_back(ToJson(value.At(i), depth + 1, memory));
      }
      return json::Value(std::move(list));
    }
    case Kind::kMap:
    case Kind::kJsonMap: {
      json::Object object;
      cel::Items keys;
      value.AppendKeys(keys);
      for (const CelValue& key : keys) {
        const std::optional<CelValue> found = value.Find(key, memory);
        std::optional<std::string> name = cel::ToText(key);
        if (!found || !name) continue;
        object.insert_or_assign(*std::move(name), ToJson(*found, depth + 1, memory));
      }
      return json::Value(std::move(object));
    }
    default: {
      std::optional<std::string> text = cel::ToText(value);
      return text ? json::Value(*std::move(text)) : json::Value();
    }
  }
}

}  // namespace

absl::Status CompileCel(absl::string_view argument, Operator& out) {
  auto expression = cel::Expression::Compile(argument, cel::Options());
  if (!expression.ok()) return expression.status();
  out.expression = *std::move(expression);
  return absl::OkStatus();
}

Value ReadCel(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const filter::StreamAttributes attributes = AttributesOf(input);
  cel::Memory memory;
  return Show(self.expression->Evaluate(attributes, memory), scratch);
}

Value ReadTypedCel(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const filter::StreamAttributes attributes = AttributesOf(input);
  cel::Memory memory;
  const CelValue value = self.expression->Evaluate(attributes, memory);
  if (value.IsError() || value.kind == Kind::kNull) return Value();
  if (value.kind == Kind::kString) return Keep(value.text(), scratch);
  // Until the next operator is read on this thread.
  thread_local json::Value kept;
  kept = ToJson(value, 0, memory);
  if (kept.text() != nullptr) return Value::Text(*kept.text());  // A kJson is never a text.
  return Value::Json(kept);
}

}  // namespace proxenos::access_log
