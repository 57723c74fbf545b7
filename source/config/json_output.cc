// Messages to JSON: first made fit to be shown, on a copy, then printed by protobuf.
#include "source/config/json_output.h"

#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/config/sensitive.h"
#include "source/config/typed_config.h"
#include "udpa/type/v1/typed_struct.pb.h"
#include "xds/type/v3/typed_struct.pb.h"

namespace proxenos::config {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::ListValue;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kRedacted[] = "[redacted]";
// Any within Any, as deep as configuration may be.
constexpr int kMaxAnyDepth = 16;

const Descriptor* FindType(std::string_view type_url) {
  return DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(TypeName(type_url)));
}

// Makes a message fit to be shown. `sensitive` is true below a field that is marked as secret.
class Preparation {
 public:
  explicit Preparation(bool redact) : redact_(redact) {}

  void Visit(Message& message, bool sensitive) {
    switch (message.GetDescriptor()->well_known_type()) {
      case Descriptor::WELLKNOWNTYPE_ANY:
        return VisitAny(static_cast<Any&>(message), sensitive);
      case Descriptor::WELLKNOWNTYPE_STRUCT:
        if (sensitive) HideStruct(static_cast<Struct&>(message));
        return;
      case Descriptor::WELLKNOWNTYPE_VALUE:
        if (sensitive) HideValue(static_cast<Value&>(message));
        return;
      case Descriptor::WELLKNOWNTYPE_LISTVALUE:
        if (sensitive) HideList(static_cast<ListValue&>(message));
        return;
      default:
        return VisitFields(message, sensitive);
    }
  }

 private:
  void VisitFields(Message& message, bool sensitive) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const bool hide = sensitive || (redact_ && IsSensitive(*field));
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        if (hide) HideScalar(message, *field);
      } else if (field->is_repeated()) {
        for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
          Message& entry = *reflection.MutableRepeatedMessage(&message, field, i);
          field->is_map() ? VisitEntry(entry, hide) : Visit(entry, hide);
        }
      } else {
        Visit(*reflection.MutableMessage(&message, field), hide);
      }
    }
  }

  // The key of a map stays, else entries would fall together.
  void VisitEntry(Message& entry, bool hide) {
    const FieldDescriptor& value = *entry.GetDescriptor()->map_value();
    if (value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(*entry.GetReflection()->MutableMessage(&entry, &value), hide);
    } else if (hide) {
      HideScalar(entry, value);
    }
  }

  static void HideScalar(Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      return reflection.ClearField(&message, &field);
    }
    if (!field.is_repeated()) return reflection.SetString(&message, &field, kRedacted);
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      reflection.SetRepeatedString(&message, &field, i, kRedacted);
    }
  }

  void VisitAny(Any& any, bool sensitive) {
    if (any.type_url().empty() && any.value().empty()) return;
    const Descriptor* type = FindType(any.type_url());
    std::unique_ptr<Message> content;
    if (type != nullptr) {
      content.reset(MessageFactory::generated_factory()->GetPrototype(type)->New());
      if (!content->ParseFromString(any.value())) content = nullptr;
    }
    // What is broken may hold the secrets of its type all the same.
    if (content == nullptr) return ShowAsBytes(any, sensitive || (redact_ && type != nullptr));
    // Nothing in force is as deep; what was refused may be, to make each look at it cost the more.
    if (any_depth_ == kMaxAnyDepth) return ShowAsBytes(any, /*sensitive=*/true);
    ++any_depth_;
    VisitContent(*type, *content, sensitive);
    --any_depth_;
    any.set_value(content->SerializeAsString());
  }

  void VisitContent(const Descriptor& type, Message& content, bool sensitive) {
    if (type.full_name() == "xds.type.v3.TypedStruct") {
      VisitTypedStruct(static_cast<xds::type::v3::TypedStruct&>(content), sensitive);
    } else if (type.full_name() == "udpa.type.v1.TypedStruct") {
      VisitTypedStruct(static_cast<udpa::type::v1::TypedStruct&>(content), sensitive);
    } else {
      Visit(content, sensitive);
    }
  }

  // What is not known cannot be shown as JSON; nor is it known to hold no secret, but its bytes are
  // what the control plane sent and no field of it is marked.
  static void ShowAsBytes(Any& any, bool sensitive) {
    Struct shown;
    auto& fields = *shown.mutable_fields();
    fields["type_url"].set_string_value(any.type_url());
    fields["value"].set_string_value(sensitive ? kRedacted : absl::Base64Escape(any.value()));
    any.PackFrom(shown);
  }

  template <typename TypedStruct>
  void VisitTypedStruct(TypedStruct& typed, bool sensitive) {
    if (sensitive) return HideStruct(*typed.mutable_value());
    const Descriptor* type = FindType(typed.type_url());
    if (redact_ && type != nullptr) VisitStruct(*typed.mutable_value(), *type);
  }

  // A Struct that spells a message of `type`: hides what that type marks.
  void VisitStruct(Struct& value, const Descriptor& type) {
    for (auto& [name, field_value] : *value.mutable_fields()) {
      const FieldDescriptor* field = FindField(type, name);
      if (field == nullptr) continue;
      if (IsSensitive(*field)) {
        HideValue(field_value);
      } else if (field->message_type() != nullptr) {
        VisitStructValue(field_value, *field);
      }
    }
  }

  void VisitStructValue(Value& value, const FieldDescriptor& field) {
    if (value.has_list_value()) {
      for (Value& item : *value.mutable_list_value()->mutable_values()) {
        VisitStructValue(item, field);
      }
    } else if (value.has_struct_value()) {
      if (!field.is_map()) return VisitBelow(*value.mutable_struct_value(), *field.message_type());
      const FieldDescriptor& entry = *field.message_type()->map_value();
      if (entry.message_type() == nullptr) return;
      for (auto& [key, item] : *value.mutable_struct_value()->mutable_fields()) {
        VisitStructValue(item, entry);
      }
    }
  }

  void VisitBelow(Struct& value, const Descriptor& type) {
    if (type.well_known_type() != Descriptor::WELLKNOWNTYPE_ANY) return VisitStruct(value, type);
    const auto named = value.fields().find("@type");
    if (named == value.fields().end()) return;
    const Descriptor* content = FindType(named->second.string_value());
    if (content != nullptr) VisitStruct(value, *content);
  }

  static const FieldDescriptor* FindField(const Descriptor& type, const std::string& name) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      if (field->name() == name || field->json_name() == name) return field;
    }
    return nullptr;
  }

  static void HideStruct(Struct& value) {
    for (auto& [name, field] : *value.mutable_fields()) HideValue(field);
  }
  static void HideList(ListValue& list) {
    for (Value& item : *list.mutable_values()) HideValue(item);
  }
  static void HideValue(Value& value) {
    if (value.has_struct_value()) return HideStruct(*value.mutable_struct_value());
    if (value.has_list_value()) return HideList(*value.mutable_list_value());
    if (!value.has_null_value()) value.set_string_value(kRedacted);
  }

  const bool redact_;
  int any_depth_ = 0;
};

}  // namespace

void Redact(Message& message) { Preparation(/*redact=*/true).Visit(message, false); }

std::string ToJson(const Message& message, const JsonOptions& options) {
  const std::unique_ptr<Message> shown(message.New());
  shown->CopyFrom(message);
  Preparation(options.redact).Visit(*shown, false);
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = options.pretty;
  print.preserve_proto_field_names = true;
  print.always_print_enums_as_ints = options.enums_as_numbers;
  print.always_print_primitive_fields = options.default_values;
  std::string json;
  if (google::protobuf::util::MessageToJsonString(*shown, &json, print).ok()) return json;
  // A value that JSON has no form for, such as a duration out of range: shown as a text proto.
  Struct text;
  (*text.mutable_fields())["text_proto"].set_string_value(shown->Utf8DebugString());
  json.clear();
  return google::protobuf::util::MessageToJsonString(text, &json, print).ok() ? json : "{}";
}

}  // namespace proxenos::config
