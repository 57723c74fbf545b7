// The binder's part for well-known types: those of google.protobuf with a JSON form of their own.
#include "google/protobuf/arena.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/timestamp.pb.h"
#include "source/config/binder.h"
#include "source/config/concat.h"
#include "source/config/names.h"
#include "source/config/typed_config.h"

namespace proxenos::config {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::ListValue;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Struct;
using google::protobuf::Timestamp;
using google::protobuf::Value;

// Map fields in key order, so that equal configurations have equal bytes (and hashes).
std::string SerializeDeterministically(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&output);
  }
  return bytes;
}

}  // namespace

bool Binder::BindWellKnown(const Node& node, Message& message) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_ANY:
      BindAny(node, static_cast<Any&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_DURATION:
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return BindTime(node, message);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      BindStruct(node, static_cast<Struct&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      BindListValue(node, static_cast<ListValue&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      BindValue(node, static_cast<Value&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return BindFieldMask(node, message);
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    default:
      return BindWrapper(node, message);
  }
}

bool Binder::BindTime(const Node& node, Message& message) {
  // Envoy also takes {seconds: 1, nanos: 5}.
  if (node.kind == Node::Kind::kMap) return false;
  const bool is_duration =
      message.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_DURATION;
  const std::string_view expected =
      is_duration ? "a duration in seconds like \"1.5s\"" : "a time like \"2025-01-31T12:00:00Z\"";
  if (node.kind != Node::Kind::kScalar) {
    FailValue(node, expected);
    return true;
  }
  const Scalar scalar = ReadScalar(node, document_.typing());
  if (is_duration) {
    const std::optional<Duration> value = ParseDuration(scalar.text);
    if (value) static_cast<Duration&>(message) = *value;
    if (!value) FailValue(node, expected);
  } else {
    const std::optional<Timestamp> value = ParseTimestamp(scalar.text);
    if (value) static_cast<Timestamp&>(message) = *value;
    if (!value) FailValue(node, expected);
  }
  return true;
}

bool Binder::BindWrapper(const Node& node, Message& message) {
  // Envoy also takes {value: 5}.
  if (node.kind == Node::Kind::kMap) return false;
  BindOne(node, {message, *message.GetDescriptor()->FindFieldByNumber(1)});
  return true;
}

// "a,b.c"; the camelCase of the JSON mapping is taken as it stands, as the API's masks are snake.
bool Binder::BindFieldMask(const Node& node, Message& message) {
  if (node.kind == Node::Kind::kMap) return false;
  if (node.kind != Node::Kind::kScalar) {
    FailValue(node, "field names with commas between");
    return true;
  }
  const FieldDescriptor& paths = *message.GetDescriptor()->FindFieldByNumber(1);
  std::string_view rest = node.text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string name(rest.substr(0, comma));
    if (!IsValidUtf8(name)) FailValue(node, "text in UTF-8");
    message.GetReflection()->AddString(&message, &paths, std::move(name));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return true;
}

// The URL under "@type"; nothing where there is none or it is not text (then with an error).
std::optional<std::string_view> Binder::AnyTypeUrl(const Node& node) {
  std::optional<std::string_view> url;
  for (uint32_t at = node.child; at != 0;) {
    const Node& key = document_.node(at);
    const Node* value = &document_.node(key.next);
    if (value->kind == Node::Kind::kAlias) value = &document_.node(value->child);
    at = document_.node(key.next).next;
    if (key.text != "@type" || key.kind != Node::Kind::kScalar) continue;
    if (url) {
      Fail(key, "\"@type\" is written twice");
      return std::nullopt;
    }
    if (value->kind != Node::Kind::kScalar) {
      FailValue(*value, "the name of a type in \"@type\"");
      return std::nullopt;
    }
    url = value->text;
  }
  if (!url) Fail(node, "no \"@type\": expected one like \"type.googleapis.com/envoy...\"");
  return url;
}

void Binder::BindAny(const Node& node, Any& any) {
  if (node.kind != Node::Kind::kMap) return FailValue(node, "a map with an \"@type\"");
  if (node.child == 0) return;  // {} is an empty Any.
  const std::optional<std::string_view> url = AnyTypeUrl(node);
  if (!url) return;
  const std::string name(TypeName(*url));
  const Descriptor* type =
      name.empty() ? nullptr : DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  const Message* prototype =
      type == nullptr ? nullptr : MessageFactory::generated_factory()->GetPrototype(type);
  if (prototype == nullptr) {
    constexpr size_t kMaxShown = 200;
    return Fail(node, Concat("\"@type\" value \"", url->substr(0, kMaxShown),
                             "\": expected a type of the API"));
  }
  // A resource may be thousands of small messages, all gone in a moment.
  google::protobuf::Arena arena;
  Message* const content = prototype->New(&arena);
  BindAnyContent(node, *content);
  any.set_type_url(std::string(*url));
  any.set_value(SerializeDeterministically(*content));
}

void Binder::BindAnyContent(const Node& node, Message& content) {
  if (content.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    return BindFields(node, content, /*skip_type=*/true);
  }
  // A type with a JSON form of its own stands under "value".
  bool found = false;
  for (uint32_t at = node.child; at != 0;) {
    const Node& key = document_.node(at);
    const Node& value = Resolve(key.next);
    at = document_.node(key.next).next;
    if (key.ignored || key.text == "@type") continue;
    path_.PushField(key.text);
    if (key.text != "value" || found) {
      Fail(key, Concat("unexpected: ", content.GetDescriptor()->full_name(),
                       " stands in one field \"value\" beside \"@type\""));
    } else {
      found = true;
      BindMessage(value, content);
    }
    path_.Pop();
  }
  if (!found) {
    Fail(node,
         Concat("no \"value\": expected the ", content.GetDescriptor()->full_name(), " in it"));
  }
}

void Binder::BindStruct(const Node& node, Struct& value) {
  const Level level(*this, node);
  if (!level.ok) return;
  if (node.kind != Node::Kind::kMap) return FailValue(node, "a map");
  for (uint32_t at = node.child; at != 0 && !exhausted_;) {
    const Node& key = document_.node(at);
    const Node& field = Resolve(key.next);
    at = document_.node(key.next).next;
    if (key.ignored) continue;
    path_.PushKey(key.text);
    const bool scalar_key = key.kind == Node::Kind::kScalar || key.kind == Node::Kind::kNull;
    if (!scalar_key || !IsValidUtf8(key.text)) {
      Fail(key, "a key of a struct: expected text in UTF-8");
    } else {
      auto& fields = *value.mutable_fields();
      const auto [entry, added] = fields.insert({std::string(key.text), Value()});
      if (added) BindValue(field, entry->second);
      if (!added) Fail(key, "key is written twice");
    }
    path_.Pop();
  }
}

void Binder::BindListValue(const Node& node, ListValue& value) {
  const Level level(*this, node);
  if (!level.ok) return;
  if (node.kind != Node::Kind::kList) return FailValue(node, "a list");
  size_t index = 0;
  for (uint32_t at = node.child; at != 0 && !exhausted_; at = document_.node(at).next) {
    path_.PushIndex(index++);
    BindValue(Resolve(at), *value.add_values());
    path_.Pop();
  }
}

void Binder::BindValue(const Node& node, Value& value) {
  switch (node.kind) {
    case Node::Kind::kMap:
      return BindStruct(node, *value.mutable_struct_value());
    case Node::Kind::kList:
      return BindListValue(node, *value.mutable_list_value());
    case Node::Kind::kNull:
      return value.set_null_value(google::protobuf::NULL_VALUE);
    default:
      break;
  }
  const Scalar scalar = ReadScalar(node, document_.typing());
  if (scalar.kind == Scalar::Kind::kBool) return value.set_bool_value(scalar.boolean);
  if (scalar.kind == Scalar::Kind::kNumber) {
    const std::optional<double> number = ParseDouble(scalar.text);
    if (!number) return FailValue(node, "a number");
    return value.set_number_value(*number);
  }
  if (!IsValidUtf8(scalar.text)) return Fail(node, "expected text in UTF-8");
  value.set_string_value(scalar.text);
}

}  // namespace proxenos::config
