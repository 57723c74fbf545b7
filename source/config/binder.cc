// The binder: messages, fields and scalars. Well-known types are in binder_well_known.cc.
#include "source/config/binder.h"

#include <algorithm>
#include <bitset>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "source/config/concat.h"
#include "source/config/names.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

// Which fields and oneofs of one message were written, to find what was written twice.
class WrittenFields {
 public:
  // Why `field` may not be written now; empty where it may.
  std::string Add(const FieldDescriptor& field) {
    if (TestAndSet(fields_, field.index())) return "is written twice";
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof != nullptr && TestAndSet(oneofs_, oneof->index())) {
      return Concat("and another field of '", oneof->name(), "' are both written; expected one");
    }
    return {};
  }

 private:
  // Far more fields than any message of the API has; later ones would only go unchecked.
  static constexpr size_t kMaxFields = 256;
  using Bits = std::bitset<kMaxFields>;

  static bool TestAndSet(Bits& bits, int index) {
    const auto at = static_cast<size_t>(index);
    if (at >= kMaxFields) return false;
    const bool was = bits[at];
    bits[at] = true;
    return was;
  }

  Bits fields_;
  Bits oneofs_;
};

const char* Form(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kNull:
      return "null";
    default:
      return "a scalar";
  }
}

}  // namespace

Binder::Binder(const Document& document, const ParseLimits& limits, const Path& root,
               Errors& errors)
    : document_(document),
      limits_(limits),
      errors_(errors),
      path_(root),
      budget_(document.cost() + limits.max_alias_nodes) {}

void Binder::Bind(Message& message) {
  if (document_.root() == 0) {
    errors_.Add(path_.ToPath(), "the text is empty: expected a map of fields");
    return;
  }
  BindMessage(Resolve(document_.root()), message);
}

const Node& Binder::Resolve(uint32_t index) {
  const Node* node = &document_.node(index);
  if (node->kind == Node::Kind::kAlias) node = &document_.node(node->child);
  const size_t cost = Document::Cost(*node);
  if (!exhausted_ && cost > budget_) {
    exhausted_ = true;
    Fail(*node, "aliases expand to more values than is allowed");
  }
  budget_ -= std::min(budget_, cost);
  return *node;
}

Binder::Level::Level(Binder& owner, const Node& node) : binder(owner), ok(true) {
  if (++binder.depth_ > binder.limits_.max_depth) {
    ok = false;
    binder.Fail(node, Concat("nested deeper than ", binder.limits_.max_depth, " levels"));
  }
}

Binder::Level::~Level() { --binder.depth_; }

void Binder::Fail(const Node& node, std::string_view problem) {
  if (errors_.count() >= Errors::kMaxKeptErrors) {
    errors_.Add({}, {});  // Only counted; spares hostile input the making of its texts.
    return;
  }
  errors_.Add(path_.ToPath(), node.line == 0
                                  ? std::string(problem)
                                  : Concat(problem, " (at ", node.line, ":", node.column, ")"));
}

void Binder::FailValue(const Node& node, std::string_view expected) {
  constexpr size_t kMaxShown = 80;
  const bool scalar = node.kind == Node::Kind::kScalar;
  const std::string_view shown = node.text.substr(0, kMaxShown);
  const std::string_view cut = node.text.size() > kMaxShown ? "..." : "";
  Fail(node, scalar ? Concat("value \"", shown, cut, "\": expected ", expected)
                    : Concat("value is ", Form(node), ": expected ", expected));
}

const Binder::FieldNames& Binder::NamesOf(const Descriptor& descriptor) {
  std::unique_ptr<FieldNames>& names = names_[&descriptor];
  if (names == nullptr) {
    names = std::make_unique<FieldNames>();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor* field = descriptor.field(i);
      names->emplace(field->name(), field);
      names->emplace(field->json_name(), field);
    }
  }
  return *names;
}

void Binder::ReportUnknownField(const Node& key, const Descriptor& descriptor) {
  if (errors_.count() >= Errors::kMaxKeptErrors) return Fail(key, {});
  std::vector<std::string_view> known;
  for (int i = 0; i < descriptor.field_count(); ++i) known.push_back(descriptor.field(i)->name());
  const std::string_view nearest = NearestName(key.text, known);
  const std::string hint =
      nearest.empty() ? std::string() : Concat("; did you mean \"", nearest, "\"?");
  Fail(key, Concat("unknown field of ", descriptor.full_name(), hint));
}

void Binder::BindMessage(const Node& node, Message& message) {
  const Level level(*this, node);
  if (!level.ok) return;
  const Descriptor& descriptor = *message.GetDescriptor();
  if (descriptor.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED &&
      BindWellKnown(node, message)) {
    return;
  }
  if (node.kind != Node::Kind::kMap) {
    return FailValue(node, Concat("a map of the fields of ", descriptor.full_name()));
  }
  BindFields(node, message, false);
}

void Binder::BindFields(const Node& node, Message& message, bool skip_type) {
  const Descriptor& descriptor = *message.GetDescriptor();
  const FieldNames& names = NamesOf(descriptor);
  WrittenFields written;
  for (uint32_t at = node.child; at != 0 && !exhausted_;) {
    const Node& key = document_.node(at);
    const Node& value = Resolve(key.next);
    at = document_.node(key.next).next;
    if (key.ignored || (skip_type && key.text == "@type")) continue;
    if (key.kind != Node::Kind::kScalar && key.kind != Node::Kind::kNull) {
      Fail(key, Concat("the name of a field is ", Form(key), ": expected text"));
      continue;
    }
    path_.PushField(key.text);
    const auto found = names.find(key.text);
    if (found == names.end()) {
      ReportUnknownField(key, descriptor);
    } else {
      const std::string problem = written.Add(*found->second);
      if (problem.empty()) {
        BindField(value, message, *found->second);
      } else {
        Fail(key, Concat("field '", found->second->name(), "' ", problem));
      }
    }
    path_.Pop();
  }
}

void Binder::BindField(const Node& value, Message& message, const FieldDescriptor& field) {
  if (value.kind == Node::Kind::kNull) {
    // null leaves a field unset, but for the types that can hold a null.
    const bool holds_null =
        !field.is_repeated() &&
        (field.message_type() != nullptr
             ? field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE
             : field.enum_type() != nullptr &&
                   field.enum_type()->full_name() == "google.protobuf.NullValue");
    if (holds_null) BindOne(value, {message, field});
    return;
  }
  if (field.is_map()) return BindMapField(value, message, field);
  if (field.is_repeated()) return BindList(value, message, field);
  BindOne(value, {message, field});
}

void Binder::BindList(const Node& list, Message& message, const FieldDescriptor& field) {
  // Envoy takes a single value for a list of one.
  if (list.kind != Node::Kind::kList) {
    path_.PushIndex(0);
    BindOne(list, {message, field});
    path_.Pop();
    return;
  }
  size_t index = 0;
  for (uint32_t at = list.child; at != 0 && !exhausted_; at = document_.node(at).next) {
    path_.PushIndex(index++);
    const Node& value = Resolve(at);
    const bool holds_null =
        field.message_type() != nullptr &&
        field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
    if (value.kind == Node::Kind::kNull && !holds_null) {
      FailValue(value, "an element of the list");
    } else {
      BindOne(value, {message, field});
    }
    path_.Pop();
  }
}

void Binder::BindMapField(const Node& map, Message& message, const FieldDescriptor& field) {
  if (map.kind != Node::Kind::kMap) return FailValue(map, "a map");
  const FieldDescriptor& key_field = *field.message_type()->map_key();
  const FieldDescriptor& value_field = *field.message_type()->map_value();
  absl::flat_hash_set<std::string_view> written;
  for (uint32_t at = map.child; at != 0 && !exhausted_;) {
    const Node& key = document_.node(at);
    const Node& value = Resolve(key.next);
    at = document_.node(key.next).next;
    if (key.ignored) continue;
    path_.PushKey(key.text);
    if (key.kind == Node::Kind::kMap || key.kind == Node::Kind::kList) {
      FailValue(key, "a scalar key");
    } else if (!written.insert(key.text).second) {
      Fail(key, "key is written twice");
    } else {
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      BindScalar(key, {Scalar::Kind::kText, false, std::string(key.text)}, {entry, key_field});
      if (value.kind == Node::Kind::kNull && value_field.message_type() == nullptr) {
        FailValue(value, "a value");
      } else if (value.kind != Node::Kind::kNull || value_field.message_type() != nullptr) {
        BindOne(value, {entry, value_field});
      }
    }
    path_.Pop();
  }
}

void Binder::BindOne(const Node& value, Target target) {
  const Reflection& reflection = *target.message.GetReflection();
  if (target.field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    Message* sub = target.field.is_repeated()
                       ? reflection.AddMessage(&target.message, &target.field)
                       : reflection.MutableMessage(&target.message, &target.field);
    return BindMessage(value, *sub);
  }
  if (value.kind == Node::Kind::kNull) {  // Only NullValue comes here.
    reflection.SetEnumValue(&target.message, &target.field, 0);
    return;
  }
  if (value.kind != Node::Kind::kScalar) {
    return FailValue(value, Concat("a value of type ", target.field.type_name()));
  }
  BindScalar(value, ReadScalar(value, document_.typing()), target);
}

void Binder::BindScalar(const Node& node, const Scalar& scalar, Target target) {
  switch (target.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return BindString(node, scalar, target);
    case FieldDescriptor::CPPTYPE_ENUM:
      return BindEnum(node, scalar, target);
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool word = scalar.kind == Scalar::Kind::kBool;
      const bool is_true = word ? scalar.boolean : scalar.text == "true";
      if (!word && !is_true && scalar.text != "false") {
        return FailValue(node, "true or false");
      }
      const Reflection& reflection = *target.message.GetReflection();
      return target.field.is_repeated()
                 ? reflection.AddBool(&target.message, &target.field, is_true)
                 : reflection.SetBool(&target.message, &target.field, is_true);
    }
    default:
      return BindNumber(node, scalar, target);
  }
}

void Binder::BindNumber(const Node& node, const Scalar& scalar, Target target) {
  const Reflection& r = *target.message.GetReflection();
  const FieldDescriptor& field = target.field;
  Message* const message = &target.message;
  const bool many = field.is_repeated();
  const auto type = field.cpp_type();
  if (type == FieldDescriptor::CPPTYPE_DOUBLE || type == FieldDescriptor::CPPTYPE_FLOAT) {
    const std::optional<double> value = ParseDouble(scalar.text);
    if (scalar.kind == Scalar::Kind::kBool || !value) return FailValue(node, "a number");
    if (type == FieldDescriptor::CPPTYPE_DOUBLE) {
      return many ? r.AddDouble(message, &field, *value) : r.SetDouble(message, &field, *value);
    }
    const auto narrow = static_cast<float>(*value);
    return many ? r.AddFloat(message, &field, narrow) : r.SetFloat(message, &field, narrow);
  }
  if (type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64) {
    const bool wide = type == FieldDescriptor::CPPTYPE_UINT64;
    const uint64_t max =
        wide ? std::numeric_limits<uint64_t>::max() : std::numeric_limits<uint32_t>::max();
    const std::optional<uint64_t> value = ParseUint64(scalar.text);
    if (scalar.kind == Scalar::Kind::kBool || !value || *value > max) {
      return FailValue(node, Concat("a whole number from 0 to ", max));
    }
    if (wide)
      return many ? r.AddUInt64(message, &field, *value) : r.SetUInt64(message, &field, *value);
    const auto narrow = static_cast<uint32_t>(*value);
    return many ? r.AddUInt32(message, &field, narrow) : r.SetUInt32(message, &field, narrow);
  }
  const bool wide = type == FieldDescriptor::CPPTYPE_INT64;
  const int64_t min =
      wide ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min();
  const int64_t max =
      wide ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int32_t>::max();
  const std::optional<int64_t> value = ParseInt64(scalar.text);
  if (scalar.kind == Scalar::Kind::kBool || !value || *value < min || *value > max) {
    return FailValue(node, Concat("a whole number from ", min, " to ", max));
  }
  if (wide) return many ? r.AddInt64(message, &field, *value) : r.SetInt64(message, &field, *value);
  const auto narrow = static_cast<int32_t>(*value);
  return many ? r.AddInt32(message, &field, narrow) : r.SetInt32(message, &field, narrow);
}

void Binder::BindString(const Node& node, const Scalar& scalar, Target target) {
  if (scalar.kind != Scalar::Kind::kText) {
    return FailValue(node, "text; a number or a boolean word needs quotes here");
  }
  const Reflection& reflection = *target.message.GetReflection();
  std::string value = scalar.text;
  if (target.field.type() == FieldDescriptor::TYPE_BYTES) {
    std::optional<std::string> bytes = ParseBase64(scalar.text);
    // The value is not shown: bytes are often keys.
    if (!bytes) return Fail(node, "expected base64");
    value = std::move(*bytes);
  } else if (!IsValidUtf8(value)) {
    return Fail(node, "expected text in UTF-8");
  }
  target.field.is_repeated()
      ? reflection.AddString(&target.message, &target.field, std::move(value))
      : reflection.SetString(&target.message, &target.field, std::move(value));
}

void Binder::BindEnum(const Node& node, const Scalar& scalar, Target target) {
  const EnumDescriptor& type = *target.field.enum_type();
  // A YAML boolean word is taken by its spelling: there are values named "on" and "off".
  const std::string name(node.text);
  const EnumValueDescriptor* value = type.FindValueByName(name);
  if (value == nullptr) value = type.FindValueByName(absl::AsciiStrToUpper(name));
  for (int i = 0; value == nullptr && i < type.value_count(); ++i) {
    if (absl::AsciiStrToLower(type.value(i)->name()) == absl::AsciiStrToLower(name)) {
      value = type.value(i);
    }
  }
  std::optional<int64_t> number;
  if (value != nullptr) {
    number = value->number();
  } else {
    number = ParseInt64(scalar.text);
  }
  if (!number || *number < std::numeric_limits<int32_t>::min() ||
      *number > std::numeric_limits<int32_t>::max()) {
    std::vector<std::string_view> known;
    for (int i = 0; i < type.value_count(); ++i) known.push_back(type.value(i)->name());
    return FailValue(node, Concat("one of ", JoinNames(known)));
  }
  const Reflection& reflection = *target.message.GetReflection();
  const int narrow = static_cast<int>(*number);
  target.field.is_repeated() ? reflection.AddEnumValue(&target.message, &target.field, narrow)
                             : reflection.SetEnumValue(&target.message, &target.field, narrow);
}

}  // namespace proxenos::config
