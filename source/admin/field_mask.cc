// A walk over message and mask side by side.
#include "source/admin/field_mask.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_split.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"

namespace proxenos::admin {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;

// A path that is deeper than any message of the API.
constexpr int kMaxDepth = 64;

bool IsAny(const Descriptor& type) {
  return type.well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
}

// An empty message of the type that an Any holds; null when this build does not have the type.
std::unique_ptr<Message> Unpack(const Any& any) {
  const size_t slash = any.type_url().rfind('/');
  const Descriptor* type = DescriptorPool::generated_pool()->FindMessageTypeByName(
      slash == std::string::npos ? any.type_url() : any.type_url().substr(slash + 1));
  if (type == nullptr) return nullptr;
  const Message* prototype = MessageFactory::generated_factory()->GetPrototype(type);
  if (prototype == nullptr) return nullptr;
  std::unique_ptr<Message> message(prototype->New());
  if (!message->ParseFromString(any.value())) return nullptr;
  return message;
}

}  // namespace

FieldMask::FieldMask(absl::string_view text) {
  for (absl::string_view path : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    FieldMask* node = this;
    int depth = 0;
    for (absl::string_view name : absl::StrSplit(path, absl::MaxSplits('.', kMaxDepth))) {
      if (++depth > kMaxDepth) break;
      node = &node->children_.try_emplace(std::string(name), FieldMask()).first->second;
    }
    node->whole_ = true;
  }
  if (children_.empty()) whole_ = true;
}

bool FieldMask::AppliesTo(const Descriptor& type) const {
  if (whole_) return true;
  return std::any_of(children_.begin(), children_.end(), [&type](const auto& child) {
    const FieldDescriptor* field = type.FindFieldByName(child.first);
    if (field == nullptr) return false;
    if (child.second.whole_) return true;
    const Descriptor* below = field->message_type();
    return below != nullptr && (IsAny(*below) || child.second.AppliesTo(*below));
  });
}

bool FieldMask::WhollyAppliesTo(const Descriptor& type) const {
  if (whole_) return true;
  return std::all_of(children_.begin(), children_.end(), [&type](const auto& child) {
    const FieldDescriptor* field = type.FindFieldByName(child.first);
    if (field == nullptr) return false;
    if (child.second.whole_) return true;
    const Descriptor* below = field->message_type();
    return below != nullptr && (IsAny(*below) || child.second.WhollyAppliesTo(*below));
  });
}

void FieldMask::Trim(Message& message) const {
  if (whole_) return;
  if (IsAny(*message.GetDescriptor())) {
    Any& any = static_cast<Any&>(message);
    const std::unique_ptr<Message> inner = Unpack(any);
    // What cannot be looked into is not shown at all: it was not asked for as a whole.
    if (inner == nullptr) return any.clear_value();
    Trim(*inner);
    any.set_value(inner->SerializeAsString());
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto child = children_.find(field->name());
    if (child == children_.end()) {
      reflection.ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        child->second.Trim(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      child->second.Trim(*reflection.MutableMessage(&message, field));
    }
  }
}

}  // namespace proxenos::admin
