// JsonFormatter: a json_format (a Struct whose strings hold command operators), compiled once.
// A string that is one operator keeps the operator's type; keys come out sorted, all on one line.
//
// Thread: any (immutable after construction).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "source/access_log/formatter.h"

namespace google::protobuf {
class ListValue;
class Struct;
class Value;
}  // namespace google::protobuf

namespace proxenos::access_log {

class JsonFormatter {
 public:
  static constexpr int kMaxDepth = 32;
  static constexpr size_t kMaxNodes = 4096;

  // Error: names the key (dotted path) whose format is wrong.
  static absl::StatusOr<JsonFormatter> Compile(const google::protobuf::Struct& format,
                                               const Formatter::Options& options);

  // Appends the JSON object and a newline to `out`.
  void Format(const FormatInput& input, std::string& out) const;

 private:
  struct Node {
    enum class Kind : uint8_t { kObject, kArray, kLiteral, kOperator, kText };
    Kind kind = Kind::kLiteral;
    std::string key;      // `"name":`, ready to be written; empty in an array.
    std::string literal;  // kLiteral: JSON. Empty: null, which omit_empty_values leaves out.
    Formatter format;     // kOperator (its only operator) and kText.
    std::vector<Node> children;
  };

  JsonFormatter() = default;
  absl::Status CompileObject(const google::protobuf::Struct& object, const std::string& path,
                             int depth, Node& out);
  absl::Status CompileArray(const google::protobuf::ListValue& list, const std::string& path,
                            int depth, Node& out);
  absl::Status CompileValue(const google::protobuf::Value& value, const std::string& path,
                            int depth, Node& out);
  absl::Status CompileText(const std::string& text, const std::string& path, Node& out);

  // Appends the node; false, and nothing appended, when it is left out.
  bool AppendNode(const Node& node, const FormatInput& input, std::string& out) const;
  bool AppendChildren(const Node& node, const FormatInput& input, std::string& out) const;
  void AppendTextNode(const Node& node, const FormatInput& input, std::string& out) const;

  Formatter::Options options_;
  size_t nodes_ = 0;
  Node root_;
};

}  // namespace proxenos::access_log
