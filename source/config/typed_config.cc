// What a typed_config holds, whichever way it was written.
#include "source/config/typed_config.h"

#include "google/protobuf/struct.pb.h"
#include "source/config/binder.h"
#include "source/config/concat.h"
#include "source/config/readers.h"
#include "udpa/type/v1/typed_struct.pb.h"
#include "xds/type/v3/typed_struct.pb.h"

namespace proxenos::config {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Struct;

// The two TypedStruct types have the same fields; this is either of them, parsed.
struct ParsedTypedStruct {
  std::string type_url;
  Struct value;
};

template <typename TypedStruct>
bool ParseTypedStruct(const Any& any, ParsedTypedStruct& parsed) {
  TypedStruct typed;
  if (!typed.ParseFromString(any.value())) return false;
  parsed.type_url = std::move(*typed.mutable_type_url());
  parsed.value = std::move(*typed.mutable_value());
  return true;
}

bool ParseTypedStruct(const Any& any, ParsedTypedStruct& parsed) {
  return TypeName(any.type_url()) == "xds.type.v3.TypedStruct"
             ? ParseTypedStruct<xds::type::v3::TypedStruct>(any, parsed)
             : ParseTypedStruct<udpa::type::v1::TypedStruct>(any, parsed);
}

std::unique_ptr<Message> NewMessage(std::string_view type_name) {
  const Descriptor* type =
      DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(type_name));
  if (type == nullptr) return nullptr;
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Fills `message`, whose type is the one that `any` names.
bool Fill(const Any& any, Message& message, const Path& path, Errors& errors) {
  if (!IsTypedStruct(TypeName(any.type_url()))) {
    if (message.ParseFromString(any.value())) return true;
    errors.Add(path, Concat("broken bytes of ", message.GetDescriptor()->full_name()));
    return false;
  }
  ParsedTypedStruct typed;
  if (!ParseTypedStruct(any, typed)) {
    errors.Add(path, "broken bytes of a TypedStruct");
    return false;
  }
  const ParseLimits limits;
  Document document(Document::Typing::kJson);
  if (!ReadStruct(typed.value, limits, document)) {
    errors.Add(path, Concat("nested deeper than ", limits.max_depth, " levels"));
    return false;
  }
  Errors own;
  Binder(document, limits, path, own).Bind(message);
  errors.Append(own);
  return own.ok();
}

}  // namespace

std::string_view TypeName(std::string_view type_url) {
  const size_t slash = type_url.rfind('/');
  // Protobuf wants a host, if only a placeholder, before the slash.
  if (slash == std::string_view::npos || slash == 0) return {};
  return type_url.substr(slash + 1);
}

bool IsTypedStruct(std::string_view type_name) {
  return type_name == "xds.type.v3.TypedStruct" || type_name == "udpa.type.v1.TypedStruct";
}

std::string TypedConfigType(const Any& any) {
  const std::string_view name = TypeName(any.type_url());
  if (!IsTypedStruct(name)) return std::string(name);
  ParsedTypedStruct typed;
  if (!ParseTypedStruct(any, typed)) return {};
  return std::string(TypeName(typed.type_url));
}

std::unique_ptr<Message> UnpackTypedConfig(const Any& any, const Path& path, Errors& errors) {
  const std::string name = TypedConfigType(any);
  std::unique_ptr<Message> message = name.empty() ? nullptr : NewMessage(name);
  if (message == nullptr) {
    errors.Add(path, name.empty() ? std::string("expected a typed_config with a type")
                                  : Concat("type ", name, " is not a type of the API"));
    return nullptr;
  }
  if (!Fill(any, *message, path, errors)) return nullptr;
  return message;
}

bool UnpackTypedConfigTo(const Any& any, Message& message, const Path& path, Errors& errors) {
  const std::string name = TypedConfigType(any);
  if (name != message.GetDescriptor()->full_name()) {
    errors.AddValue(path, name.empty() ? "without a type" : name,
                    message.GetDescriptor()->full_name());
    return false;
  }
  return Fill(any, message, path, errors);
}

}  // namespace proxenos::config
