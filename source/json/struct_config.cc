// Kind by kind.
#include "source/json/struct_config.h"

#include <string>
#include <utility>

#include "source/json/parse.h"

namespace proxenos::json {
namespace {

Object ObjectOf(const google::protobuf::Struct& proto, int depth);

Value ValueOf(const google::protobuf::Value& proto, int depth) {
  switch (proto.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return Value(proto.bool_value());
    case google::protobuf::Value::kNumberValue:
      return Value(proto.number_value());
    case google::protobuf::Value::kStringValue:
      return Value(proto.string_value());
    case google::protobuf::Value::kStructValue:
      return depth == 0 ? Value() : Value(ObjectOf(proto.struct_value(), depth - 1));
    case google::protobuf::Value::kListValue: {
      List list;
      if (depth == 0) return Value();
      for (const auto& item : proto.list_value().values()) list.push_back(ValueOf(item, depth - 1));
      return Value(std::move(list));
    }
    default:
      return Value();
  }
}

Object ObjectOf(const google::protobuf::Struct& proto, int depth) {
  Object object;
  for (const auto& [name, value] : proto.fields()) object.emplace(name, ValueOf(value, depth));
  return object;
}

}  // namespace

Value FromProto(const google::protobuf::Value& proto) { return ValueOf(proto, kMaxDepth); }
Object FromProto(const google::protobuf::Struct& proto) { return ObjectOf(proto, kMaxDepth); }

}  // namespace proxenos::json
