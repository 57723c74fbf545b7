// The walk over what is set in a message, along the table of what is honoured.
#include "source/config/fields.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "source/config/concat.h"
#include "source/config/fields_plan.h"
#include "source/config/path.h"
#include "source/config/typed_config.h"

namespace proxenos::config {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Verdict = FieldRow::Verdict;

// Any inside Any...: each level is parsed anew, out of reach of protobuf's own limit.
constexpr int kMaxAnyDepth = 16;

// A value as `only` lists write it.
std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number =
          one ? r.GetEnumValue(message, &field) : r.GetRepeatedEnumValue(message, &field, index);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value != nullptr ? value->name() : std::to_string(number);
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? r.GetString(message, &field) : r.GetRepeatedString(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(one ? r.GetUInt32(message, &field)
                                : r.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(one ? r.GetInt32(message, &field)
                                : r.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const Message& sub =
          one ? r.GetMessage(message, &field) : r.GetRepeatedMessage(message, &field, index);
      const auto type = sub.GetDescriptor()->well_known_type();
      if (type == Descriptor::WELLKNOWNTYPE_ANY) {
        return TypedConfigType(static_cast<const Any&>(sub));
      }
      if (type >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
          type <= Descriptor::WELLKNOWNTYPE_BOOLVALUE) {
        return ValueText(sub, *sub.GetDescriptor()->FindFieldByNumber(1), -1);
      }
      return Concat("{", sub.ShortDebugString(), "}");
    }
    default:
      return "(a number)";
  }
}

class FieldsWalk {
 public:
  FieldsWalk(Errors& errors, IgnoredFields& ignored, const Path& root, UnknownFields unknown)
      : errors_(errors), ignored_(ignored), path_(root), unknown_(unknown) {}

  void Check(const Message& message, const FieldsPlan& plan) {
    CheckUnknown(message);
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      path_.PushField(field->name());
      CheckField(message, *field, plan.steps[static_cast<size_t>(field->index())]);
      path_.Pop();
    }
  }

  void CheckAny(const Any& any) {
    const std::string type = TypedConfigType(any);
    if (type.empty() && any.value().empty()) return;  // Empty: the converter knows if it may be.
    if (any_depth_ >= kMaxAnyDepth) {
      errors_.Add(path_.ToPath(), Concat("Any nested deeper than ", kMaxAnyDepth, " levels"));
      return;
    }
    const Descriptor* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
    const FieldsPlan* plan =
        descriptor == nullptr ? nullptr : &FieldsPlans::OfProcess().Get(*descriptor);
    if (plan == nullptr || !plan->listed) {
      errors_.Add(path_.ToPath(), Concat("type ", type, " is not implemented by proxenos"));
      return;
    }
    const std::unique_ptr<Message> content = UnpackTypedConfig(any, path_.ToPath(), errors_);
    if (content == nullptr) return;
    ++any_depth_;
    Check(*content, *plan);
    --any_depth_;
  }

 private:
  void CheckUnknown(const Message& message) {
    const auto& unknown = message.GetReflection()->GetUnknownFields(message);
    for (int i = 0; i < unknown.field_count(); ++i) {
      if (unknown_ == UnknownFields::kIgnore) {
        ignored_.Add({path_.ToPath().text(), message.GetDescriptor()->full_name(),
                      "The sender knows a newer API: this field's number has no name here."});
      } else {
        errors_.Add(path_.ToPath(),
                    Concat("field number ", unknown.field(i).number(), " is unknown in ",
                           message.GetDescriptor()->full_name()));
      }
    }
  }

  void CheckField(const Message& message, const FieldDescriptor& field, const FieldStep& step) {
    if (step.rule == nullptr || step.rule->verdict == Verdict::kRejected) {
      return Reject(Concat("field ", field.full_name(), " is not implemented by proxenos"),
                    step.rule);
    }
    if (step.rule->verdict == Verdict::kIgnored) {
      return ignored_.Add({path_.ToPath().text(), field.full_name(), step.rule->note});
    }
    const size_t count =
        field.is_repeated()
            ? static_cast<size_t>(message.GetReflection()->FieldSize(message, &field))
            : 1;
    if (count > step.rule->at_most) {
      Reject(Concat(count, " elements of ", field.full_name(), ": proxenos implements at most ",
                    step.rule->at_most),
             step.rule);
    }
    for (size_t i = 0; i < count; ++i) {
      CheckElement(message, field, step, field.is_repeated() ? static_cast<int>(i) : -1);
    }
  }

  void CheckElement(const Message& message, const FieldDescriptor& field, const FieldStep& step,
                    int index) {
    const bool plain = step.kind == FieldStep::Kind::kPlain;
    const bool descends = step.below != nullptr || !plain;
    if (!descends && step.rule->only.empty()) return;
    if (index >= 0) PushElement(message, field, index);
    const bool allowed = step.rule->only.empty() || CheckValue(message, field, *step.rule, index);
    if (descends && allowed) Descend(message, field, step, index);
    if (index >= 0) path_.Pop();
  }

  // The key's text lives in the message, so the path may refer to it.
  void PushElement(const Message& message, const FieldDescriptor& field, int index) {
    if (!field.is_map()) return path_.PushIndex(static_cast<size_t>(index));
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &field, index);
    const FieldDescriptor& key = *field.message_type()->map_key();
    if (key.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return path_.PushKey("...");
    path_.PushKey(entry.GetReflection()->GetStringReference(entry, &key, &scratch_));
  }

  void Descend(const Message& message, const FieldDescriptor& field, const FieldStep& step,
               int index) {
    const Reflection& reflection = *message.GetReflection();
    if (step.below == nullptr && step.kind == FieldStep::Kind::kMap) return;
    const Message* value = index < 0 ? &reflection.GetMessage(message, &field)
                                     : &reflection.GetRepeatedMessage(message, &field, index);
    if (field.is_map()) {
      value = &value->GetReflection()->GetMessage(*value, field.message_type()->map_value());
    }
    if (step.below != nullptr) return Check(*value, *step.below);
    const Any& any = static_cast<const Any&>(*value);
    if (LeftOut(message, any)) {
      return ignored_.Add({path_.ToPath().text(), field.full_name(),
                           "Its is_optional lets a proxy that lacks it leave it out."});
    }
    CheckAny(any);
  }

  // Whether `message` says of its typed_config, whose type is not implemented, that it need not be.
  static bool LeftOut(const Message& message, const Any& any) {
    const FieldDescriptor* optional = message.GetDescriptor()->FindFieldByName("is_optional");
    if (optional == nullptr || optional->cpp_type() != FieldDescriptor::CPPTYPE_BOOL ||
        !message.GetReflection()->GetBool(message, optional)) {
      return false;
    }
    const Descriptor* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
            TypedConfigType(any));
    return type == nullptr || !FieldsPlans::OfProcess().Get(*type).listed;
  }

  bool CheckValue(const Message& message, const FieldDescriptor& field, const FieldRule& rule,
                  int index) {
    const std::string value = ValueText(message, field, index);
    if (Lists(rule.only, value) || value.empty()) return true;
    const bool is_type = field.message_type() != nullptr &&
                         field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
    if (is_type) {
      Reject(Concat("type ", value, " is not implemented by proxenos here: expected ", rule.only),
             &rule);
      return false;
    }
    Reject(Concat("value ", value, " of ", field.full_name(),
                  " is not implemented by proxenos: expected ", rule.only),
           &rule);
    return false;
  }

  void Reject(std::string what, const FieldRule* rule) {
    if (rule != nullptr && !rule->note.empty()) Append(what, "; ", rule->note);
    errors_.Add(path_.ToPath(), what);
  }

  Errors& errors_;
  IgnoredFields& ignored_;
  PathStack path_;
  const UnknownFields unknown_;
  std::string scratch_;
  int any_depth_ = 0;
};

}  // namespace

void IgnoredFields::Add(IgnoredField field) {
  ++count_;
  if (list_.size() < kMaxKept) list_.push_back(std::move(field));
}

void IgnoredFields::Append(const IgnoredFields& other) {
  const size_t room = kMaxKept - list_.size();
  const size_t taken = std::min(room, other.list_.size());
  list_.insert(list_.end(), other.list_.begin(),
               other.list_.begin() + static_cast<std::ptrdiff_t>(taken));
  count_ += other.count_;
}

void CheckFields(const Message& message, Errors& errors, IgnoredFields& ignored, const Path& root,
                 UnknownFields unknown) {
  FieldsWalk walk(errors, ignored, root, unknown);
  if (message.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
    return walk.CheckAny(static_cast<const Any&>(message));
  }
  walk.Check(message, FieldsPlans::OfProcess().Get(*message.GetDescriptor()));
}

}  // namespace proxenos::config
