// The walk over a message along the plan of its type, checking each value on the way.
#include "source/config/constraints.h"

#include <string>

#include "absl/container/flat_hash_set.h"
#include "google/protobuf/any.pb.h"
#include "source/base/clock.h"
#include "source/config/concat.h"
#include "source/config/constraint_plan.h"
#include "source/config/constraint_rules.h"
#include "source/config/path.h"
#include "source/config/typed_config.h"

namespace proxenos::config {
namespace {

using google::protobuf::Any;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;
using validate::FieldRules;

// Any inside Any inside Any...: each level is parsed anew, out of reach of protobuf's own limit.
constexpr int kMaxAnyDepth = 16;

// One value of a field: the field itself, or its element at `index`.
struct Place {
  const Message& message;
  const FieldDescriptor& field;
  int index = -1;

  const Reflection& reflection() const { return *message.GetReflection(); }
  bool single() const { return index < 0; }

  int32_t Int32() const {
    return single() ? reflection().GetInt32(message, &field)
                    : reflection().GetRepeatedInt32(message, &field, index);
  }
  int64_t Int64() const {
    return single() ? reflection().GetInt64(message, &field)
                    : reflection().GetRepeatedInt64(message, &field, index);
  }
  uint32_t Uint32() const {
    return single() ? reflection().GetUInt32(message, &field)
                    : reflection().GetRepeatedUInt32(message, &field, index);
  }
  uint64_t Uint64() const {
    return single() ? reflection().GetUInt64(message, &field)
                    : reflection().GetRepeatedUInt64(message, &field, index);
  }
  float Float() const {
    return single() ? reflection().GetFloat(message, &field)
                    : reflection().GetRepeatedFloat(message, &field, index);
  }
  double Double() const {
    return single() ? reflection().GetDouble(message, &field)
                    : reflection().GetRepeatedDouble(message, &field, index);
  }
  bool Bool() const {
    return single() ? reflection().GetBool(message, &field)
                    : reflection().GetRepeatedBool(message, &field, index);
  }
  int Enum() const {
    return single() ? reflection().GetEnumValue(message, &field)
                    : reflection().GetRepeatedEnumValue(message, &field, index);
  }
  const std::string& Text(std::string& scratch) const {
    return single() ? reflection().GetStringReference(message, &field, &scratch)
                    : reflection().GetRepeatedStringReference(message, &field, index, &scratch);
  }
  const Message& Sub() const {
    return single() ? reflection().GetMessage(message, &field)
                    : reflection().GetRepeatedMessage(message, &field, index);
  }

  // The value as an error shows it.
  std::string Show() const {
    std::string scratch;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return field.type() == FieldDescriptor::TYPE_BYTES ? Concat(Text(scratch).size(), " bytes")
                                                           : Concat("\"", Text(scratch), "\"");
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& sub = Sub();
        if (sub.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
          return Concat("\"", static_cast<const Any&>(sub).type_url(), "\"");
        }
        return Concat("{", sub.ShortDebugString(), "}");
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        return Bool() ? "true" : "false";
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* value = field.enum_type()->FindValueByNumber(Enum());
        return value != nullptr ? value->name() : std::to_string(Enum());
      }
      case FieldDescriptor::CPPTYPE_INT32:
        return std::to_string(Int32());
      case FieldDescriptor::CPPTYPE_INT64:
        return std::to_string(Int64());
      case FieldDescriptor::CPPTYPE_UINT32:
        return std::to_string(Uint32());
      case FieldDescriptor::CPPTYPE_UINT64:
        return std::to_string(Uint64());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return std::to_string(Float());
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return std::to_string(Double());
    }
    return {};
  }
};

// What was expected of the value, or empty.
std::string BrokenRuleOf(const ValuePlan& plan, const Place& place) {
  const FieldRules& rules = *plan.rules;
  std::string scratch;
  switch (rules.type_case()) {
    case FieldRules::kFloat:
      return BrokenRule(rules.float_(), place.Float());
    case FieldRules::kDouble:
      return BrokenRule(rules.double_(), place.Double());
    case FieldRules::kInt32:
      return BrokenRule(rules.int32(), place.Int32());
    case FieldRules::kInt64:
      return BrokenRule(rules.int64(), place.Int64());
    case FieldRules::kUint32:
      return BrokenRule(rules.uint32(), place.Uint32());
    case FieldRules::kUint64:
      return BrokenRule(rules.uint64(), place.Uint64());
    case FieldRules::kSint32:
      return BrokenRule(rules.sint32(), place.Int32());
    case FieldRules::kSint64:
      return BrokenRule(rules.sint64(), place.Int64());
    case FieldRules::kFixed32:
      return BrokenRule(rules.fixed32(), place.Uint32());
    case FieldRules::kFixed64:
      return BrokenRule(rules.fixed64(), place.Uint64());
    case FieldRules::kSfixed32:
      return BrokenRule(rules.sfixed32(), place.Int32());
    case FieldRules::kSfixed64:
      return BrokenRule(rules.sfixed64(), place.Int64());
    case FieldRules::kBool:
      return BrokenRule(rules.bool_(), place.Bool());
    case FieldRules::kString:
      return BrokenRule(rules.string(), plan.pattern.get(), place.Text(scratch));
    case FieldRules::kBytes:
      return BrokenRule(rules.bytes(), plan.pattern.get(), place.Text(scratch));
    case FieldRules::kEnum: {
      const int value = place.Enum();
      const bool defined = place.field.enum_type()->FindValueByNumber(value) != nullptr;
      return BrokenRule(rules.enum_(), value, defined);
    }
    case FieldRules::kAny:
      return BrokenRule(rules.any(), static_cast<const Any&>(place.Sub()));
    case FieldRules::kDuration:
      return BrokenRule(rules.duration(),
                        static_cast<const google::protobuf::Duration&>(place.Sub()));
    case FieldRules::kTimestamp:
      return BrokenRule(rules.timestamp(),
                        static_cast<const google::protobuf::Timestamp&>(place.Sub()),
                        base::RealClock().Wall());
    default:
      return {};
  }
}

class ConstraintWalk {
 public:
  ConstraintWalk(Errors& errors, const Path& root) : errors_(errors), path_(root) {}

  void Check(const Message& message, const MessagePlan& plan) {
    for (const OneofDescriptor* oneof : plan.required_oneofs) {
      if (!message.GetReflection()->HasOneof(message, oneof)) ReportMissing(*oneof);
    }
    for (const FieldPlan& field : plan.fields) CheckField(message, field);
  }

 private:
  void ReportMissing(const OneofDescriptor& oneof) {
    std::string choices;
    for (int i = 0; i < oneof.field_count(); ++i) {
      Append(choices, i == 0 ? "" : ", ", oneof.field(i)->name());
    }
    errors_.Add(path_.ToPath(),
                Concat("nothing set of '", oneof.name(), "': expected one of ", choices));
  }

  void CheckField(const Message& message, const FieldPlan& plan) {
    path_.PushField(plan.field->name());
    sensitive_ += plan.sensitive;
    if (plan.field->is_map()) {
      CheckMap(message, plan);
    } else if (plan.field->is_repeated()) {
      CheckList(message, plan);
    } else {
      CheckSingular(message, plan);
    }
    sensitive_ -= plan.sensitive;
    path_.Pop();
  }

  void CheckSingular(const Message& message, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    const bool set = !field.has_presence() || message.GetReflection()->HasField(message, &field);
    if (set) return CheckValue({message, field}, plan.value);
    const bool optional = field.real_containing_oneof() != nullptr;
    if (!optional && plan.rules != nullptr && IsRequired(*plan.rules)) {
      errors_.Add(path_.ToPath(), "not set: expected a value");
    }
  }

  void CheckList(const Message& message, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    const int size = message.GetReflection()->FieldSize(message, &field);
    if (plan.rules != nullptr && plan.rules->has_repeated()) {
      const validate::RepeatedRules& rules = plan.rules->repeated();
      if (rules.ignore_empty() && size == 0) return;
      CheckMinimum(static_cast<uint64_t>(size), rules.has_min_items(), rules.min_items(), "items");
      CheckMaximum(static_cast<uint64_t>(size), rules.has_max_items(), rules.max_items(), "items");
      if (rules.unique()) CheckUnique(message, field, size);
    }
    const ValuePlan& value = plan.value;
    if (value.rules == nullptr && value.message == nullptr && !value.is_any) return;
    for (int i = 0; i < size; ++i) {
      path_.PushIndex(static_cast<size_t>(i));
      CheckValue({message, field, i}, value);
      path_.Pop();
    }
  }

  void CheckMap(const Message& message, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    const FieldDescriptor& key = *field.message_type()->map_key();
    const FieldDescriptor& value = *field.message_type()->map_value();
    bool no_sparse = false;
    if (plan.rules != nullptr && plan.rules->has_map()) {
      const validate::MapRules& rules = plan.rules->map();
      if (rules.ignore_empty() && size == 0) return;
      CheckMinimum(static_cast<uint64_t>(size), rules.has_min_pairs(), rules.min_pairs(),
                   "entries");
      CheckMaximum(static_cast<uint64_t>(size), rules.has_max_pairs(), rules.max_pairs(),
                   "entries");
      no_sparse = rules.no_sparse();
    }
    for (int i = 0; i < size; ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      const std::string key_text = KeyText({entry, key});
      path_.PushKey(key_text);
      CheckValue({entry, key}, plan.key);
      // C++ maps cannot hold an unset message; one without any content is what comes closest.
      if (no_sparse && value.message_type() != nullptr &&
          entry.GetReflection()->GetMessage(entry, &value).ByteSizeLong() == 0) {
        errors_.Add(path_.ToPath(), "empty: expected a value");
      }
      CheckValue({entry, value}, plan.value);
      path_.Pop();
    }
  }

  static std::string KeyText(const Place& key) {
    std::string scratch;
    return key.field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? key.Text(scratch) : key.Show();
  }

  // "N items: expected at least M", and the like.
  void CheckMinimum(uint64_t size, bool has, uint64_t least, std::string_view units) {
    if (!has || size >= least) return;
    errors_.Add(path_.ToPath(), Concat(size, " ", units, ": expected at least ", least));
  }
  void CheckMaximum(uint64_t size, bool has, uint64_t most, std::string_view units) {
    if (!has || size <= most) return;
    errors_.Add(path_.ToPath(), Concat(size, " ", units, ": expected at most ", most));
  }

  void CheckUnique(const Message& message, const FieldDescriptor& field, int size) {
    if (field.message_type() != nullptr) return;
    absl::flat_hash_set<std::string> seen;
    std::string scratch;
    for (int i = 0; i < size; ++i) {
      const Place place{message, field, i};
      const bool text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
      if (seen.insert(text ? place.Text(scratch) : place.Show()).second) continue;
      path_.PushIndex(static_cast<size_t>(i));
      ReportValue(place, "each value once only");
      path_.Pop();
    }
  }

  void CheckValue(const Place& place, const ValuePlan& plan) {
    if (plan.rules != nullptr) CheckRules(place, plan);
    if (plan.is_any) {
      CheckAny(static_cast<const Any&>(place.Sub()));
    } else if (plan.message != nullptr) {
      Check(place.Sub(), *plan.message);
    }
  }

  void CheckRules(const Place& place, const ValuePlan& plan) {
    if (Fits(*plan.rules, place.field)) {
      const std::string broken = BrokenRuleOf(plan, place);
      if (!broken.empty()) ReportValue(place, broken);
    } else if (IsWrapper(place.field)) {
      // A scalar's rules on a wrapper hold for what it wraps.
      const Message& wrapper = place.Sub();
      const Place wrapped{wrapper, *wrapper.GetDescriptor()->FindFieldByNumber(1)};
      if (Fits(*plan.rules, wrapped.field)) {
        const std::string broken = BrokenRuleOf(plan, wrapped);
        if (!broken.empty()) ReportValue(wrapped, broken);
      }
    }
  }

  void ReportValue(const Place& place, std::string_view expected) {
    const std::string shown = sensitive_ > 0 ? "[redacted]" : place.Show();
    errors_.AddValue(path_.ToPath(), shown, expected);
  }

  void CheckAny(const Any& any) {
    const std::string type = TypedConfigType(any);
    const Descriptor* descriptor =
        type.empty() ? nullptr : DescriptorPool::generated_pool()->FindMessageTypeByName(type);
    if (descriptor == nullptr) return;
    const MessagePlan& plan = ConstraintPlans::OfProcess().Get(*descriptor);
    if (any_depth_ >= kMaxAnyDepth) {
      errors_.Add(path_.ToPath(), Concat("Any nested deeper than ", kMaxAnyDepth, " levels"));
      return;
    }
    const std::unique_ptr<Message> content = UnpackTypedConfig(any, path_.ToPath(), errors_);
    if (content == nullptr) return;
    ++any_depth_;
    Check(*content, plan);
    --any_depth_;
  }

  Errors& errors_;
  PathStack path_;
  int sensitive_ = 0;  // How many fields above are marked as secret.
  int any_depth_ = 0;
};

}  // namespace

void CheckConstraints(const Message& message, Errors& errors, const Path& root) {
  ConstraintWalk(errors, root)
      .Check(message, ConstraintPlans::OfProcess().Get(*message.GetDescriptor()));
}

}  // namespace proxenos::config
