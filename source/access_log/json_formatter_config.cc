// Compiling JSON formats.
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "source/access_log/json_formatter.h"

namespace proxenos::access_log {
namespace {

std::string Quoted(absl::string_view text) {
  std::string result = "\"";
  AppendEscapedJson(text, result);
  result += '"';
  return result;
}

// Whole numbers are numbers; others become strings, which is how Envoy 1.40 writes them.
std::string NumberLiteral(double number) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  if (std::floor(number) == number && std::fabs(number) <= kExactIntegers) {
    return absl::StrCat(static_cast<int64_t>(number));
  }
  return Quoted(absl::StrCat(number));
}

}  // namespace

absl::StatusOr<JsonFormatter> JsonFormatter::Compile(const google::protobuf::Struct& format,
                                                     const Formatter::Options& options) {
  JsonFormatter formatter;
  formatter.options_ = options;
  const absl::Status status = formatter.CompileObject(format, "", 0, formatter.root_);
  if (!status.ok()) return status;
  return formatter;
}

absl::Status JsonFormatter::CompileObject(const google::protobuf::Struct& object,
                                          const std::string& path, int depth, Node& out) {
  out.kind = Node::Kind::kObject;
  std::map<std::string, const google::protobuf::Value*> sorted;
  for (const auto& [key, value] : object.fields()) sorted.emplace(key, &value);
  for (const auto& [key, value] : sorted) {
    Node child;
    child.key = absl::StrCat(Quoted(key), ":");
    const std::string child_path = path.empty() ? key : absl::StrCat(path, ".", key);
    const absl::Status status = CompileValue(*value, child_path, depth + 1, child);
    if (!status.ok()) return status;
    out.children.push_back(std::move(child));
  }
  return absl::OkStatus();
}

absl::Status JsonFormatter::CompileArray(const google::protobuf::ListValue& list,
                                         const std::string& path, int depth, Node& out) {
  out.kind = Node::Kind::kArray;
  for (int i = 0; i < list.values_size(); ++i) {
    Node child;
    const absl::Status status =
        CompileValue(list.values(i), absl::StrCat(path, "[", i, "]"), depth + 1, child);
    if (!status.ok()) return status;
    out.children.push_back(std::move(child));
  }
  return absl::OkStatus();
}

absl::Status JsonFormatter::CompileValue(const google::protobuf::Value& value,
                                         const std::string& path, int depth, Node& out) {
  if (depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": nested deeper than ", kMaxDepth, " levels"));
  }
  if (++nodes_ > kMaxNodes) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxNodes, " values"));
  }
  switch (value.kind_case()) {
    case google::protobuf::Value::kStructValue:
      return CompileObject(value.struct_value(), path, depth, out);
    case google::protobuf::Value::kListValue:
      return CompileArray(value.list_value(), path, depth, out);
    case google::protobuf::Value::kStringValue:
      return CompileText(value.string_value(), path, out);
    case google::protobuf::Value::kNumberValue:
      out.literal = NumberLiteral(value.number_value());
      return absl::OkStatus();
    case google::protobuf::Value::kBoolValue:
      out.literal = value.bool_value() ? "true" : "false";
      return absl::OkStatus();
    case google::protobuf::Value::kNullValue:
    case google::protobuf::Value::KIND_NOT_SET:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status JsonFormatter::CompileText(const std::string& text, const std::string& path,
                                        Node& out) {
  absl::StatusOr<Formatter> format = Formatter::Compile(text, options_);
  if (!format.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", format.status().message()));
  }
  const bool lone_operator = format->operators_.size() == 1 && format->prefix_.empty() &&
                             format->operators_[0].literal.empty();
  if (format->is_constant()) {
    out.literal = Quoted(format->prefix_);
  } else {
    out.kind = lone_operator ? Node::Kind::kOperator : Node::Kind::kText;
    out.format = *std::move(format);
  }
  return absl::OkStatus();
}

}  // namespace proxenos::access_log
