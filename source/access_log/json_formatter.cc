// Running JSON formats.
#include "source/access_log/json_formatter.h"

namespace proxenos::access_log {

void JsonFormatter::AppendTextNode(const Node& node, const FormatInput& input,
                                   std::string& out) const {
  const absl::string_view absent = options_.omit_empty_values ? "" : "-";
  Scratch scratch;
  out += '"';
  AppendEscapedJson(node.format.prefix_, out);
  for (const Formatter::Segment& segment : node.format.operators_) {
    AppendInJsonString(segment.op.Get(input, scratch), absent, out);
    AppendEscapedJson(segment.literal, out);
  }
  out += '"';
}

bool JsonFormatter::AppendChildren(const Node& node, const FormatInput& input,
                                   std::string& out) const {
  const size_t start = out.size();
  out += node.key;
  out += node.kind == Node::Kind::kObject ? '{' : '[';
  bool any = false;
  for (const Node& child : node.children) {
    const size_t before = out.size();
    if (any) out += ',';
    if (AppendNode(child, input, out)) {
      any = true;
    } else {
      out.resize(before);
    }
  }
  if (!any && options_.omit_empty_values && node.kind == Node::Kind::kObject && &node != &root_) {
    out.resize(start);
    return false;
  }
  out += node.kind == Node::Kind::kObject ? '}' : ']';
  return true;
}

bool JsonFormatter::AppendNode(const Node& node, const FormatInput& input, std::string& out) const {
  switch (node.kind) {
    case Node::Kind::kObject:
    case Node::Kind::kArray:
      return AppendChildren(node, input, out);
    case Node::Kind::kLiteral:
      if (node.literal.empty() && options_.omit_empty_values) return false;
      out += node.key;
      out += node.literal.empty() ? "null" : node.literal;
      return true;
    case Node::Kind::kOperator: {
      Scratch scratch;
      const Value value = node.format.operators_[0].op.Get(input, scratch);
      if (value.kind == Value::Kind::kAbsent && options_.omit_empty_values) return false;
      out += node.key;
      AppendAsJson(value, out);
      return true;
    }
    case Node::Kind::kText:
      out += node.key;
      AppendTextNode(node, input, out);
      return true;
  }
  return false;
}

void JsonFormatter::Format(const FormatInput& input, std::string& out) const {
  AppendNode(root_, input, out);
  out += '\n';
}

}  // namespace proxenos::access_log
