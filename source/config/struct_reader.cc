// google.protobuf.Struct to Document: what a TypedStruct holds, on its way to its real type.
#include <cmath>
#include <string>

#include "absl/strings/str_format.h"
#include "source/config/readers.h"

namespace proxenos::config {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

class StructReader {
 public:
  StructReader(const ParseLimits& limits, Document& document)
      : limits_(limits), document_(document) {}

  bool Read(const Struct& value) {
    if (document_.depth() >= limits_.max_depth) return false;
    document_.Open(MakeNode(Node::Kind::kMap));
    for (const auto& [key, field] : value.fields()) {
      AddText(key);
      if (!Read(field)) return false;
    }
    document_.Close();
    return true;
  }

 private:
  static Node MakeNode(Node::Kind kind) {
    Node node;
    node.kind = kind;
    return node;
  }

  void AddText(std::string_view text) {
    Node node = MakeNode(Node::Kind::kScalar);
    node.quoted = true;
    node.text = text;
    document_.Add(node);
  }

  void AddLiteral(std::string_view text) {
    Node node = MakeNode(Node::Kind::kScalar);
    node.text = document_.Keep(text);
    document_.Add(node);
  }

  bool Read(const Value& value) {
    switch (value.kind_case()) {
      case Value::kNullValue:
      case Value::KIND_NOT_SET:
        document_.Add(MakeNode(Node::Kind::kNull));
        return true;
      case Value::kNumberValue:
        AddNumber(value.number_value());
        return true;
      case Value::kStringValue:
        AddText(value.string_value());
        return true;
      case Value::kBoolValue:
        AddLiteral(value.bool_value() ? "true" : "false");
        return true;
      case Value::kStructValue:
        return Read(value.struct_value());
      case Value::kListValue:
        return Read(value.list_value());
    }
    return true;
  }

  bool Read(const ListValue& list) {
    if (document_.depth() >= limits_.max_depth) return false;
    document_.Open(MakeNode(Node::Kind::kList));
    for (const Value& value : list.values()) {
      if (!Read(value)) return false;
    }
    document_.Close();
    return true;
  }

  // JSON has no word for these three; protobuf's JSON mapping writes them as strings.
  void AddNumber(double number) {
    if (std::isnan(number)) {
      AddText("NaN");
    } else if (std::isinf(number)) {
      AddText(number > 0 ? "Infinity" : "-Infinity");
    } else {
      AddLiteral(absl::StrFormat("%.17g", number));
    }
  }

  const ParseLimits& limits_;
  Document& document_;
};

}  // namespace

bool ReadStruct(const google::protobuf::Struct& value, const ParseLimits& limits,
                Document& document) {
  return StructReader(limits, document).Read(value);
}

}  // namespace proxenos::config
