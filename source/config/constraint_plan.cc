// What of a message type can break a rule, found out once a type.
#include "source/config/constraint_plan.h"

#include "absl/container/flat_hash_set.h"
#include "source/config/sensitive.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using validate::FieldRules;

bool IsDisabled(const Descriptor& type) {
  return type.options().GetExtension(validate::disabled) ||
         type.options().GetExtension(validate::ignored);
}

const FieldRules* RulesOf(const FieldDescriptor& field) {
  return field.options().HasExtension(validate::rules)
             ? &field.options().GetExtension(validate::rules)
             : nullptr;
}

bool IsAny(const FieldDescriptor& field) {
  return field.message_type() != nullptr &&
         field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
}

bool HasOwnConstraints(const Descriptor& type) {
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    if (type.oneof_decl(i)->options().GetExtension(validate::required)) return true;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (RulesOf(field) != nullptr || IsAny(field)) return true;
    if (field.is_map() && IsAny(*field.message_type()->map_value())) return true;
  }
  return false;
}

// The type that checking goes on into below a field; null for scalars.
const Descriptor* Below(const FieldDescriptor& field) {
  const FieldDescriptor& value = field.is_map() ? *field.message_type()->map_value() : field;
  return value.message_type();
}

std::unique_ptr<re2::RE2> CompilePattern(const FieldRules* rules) {
  if (rules == nullptr) return nullptr;
  const bool text = rules->string().has_pattern();
  if (!text && !rules->bytes().has_pattern()) return nullptr;
  const std::string& pattern = text ? rules->string().pattern() : rules->bytes().pattern();
  auto compiled = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
  return compiled->ok() ? std::move(compiled) : nullptr;
}

}  // namespace

bool Fits(const FieldRules& rules, const FieldDescriptor& field) {
  using Field = FieldDescriptor;
  switch (rules.type_case()) {
    case FieldRules::kFloat:
      return field.cpp_type() == Field::CPPTYPE_FLOAT;
    case FieldRules::kDouble:
      return field.cpp_type() == Field::CPPTYPE_DOUBLE;
    case FieldRules::kInt32:
    case FieldRules::kSint32:
    case FieldRules::kSfixed32:
      return field.cpp_type() == Field::CPPTYPE_INT32;
    case FieldRules::kInt64:
    case FieldRules::kSint64:
    case FieldRules::kSfixed64:
      return field.cpp_type() == Field::CPPTYPE_INT64;
    case FieldRules::kUint32:
    case FieldRules::kFixed32:
      return field.cpp_type() == Field::CPPTYPE_UINT32;
    case FieldRules::kUint64:
    case FieldRules::kFixed64:
      return field.cpp_type() == Field::CPPTYPE_UINT64;
    case FieldRules::kBool:
      return field.cpp_type() == Field::CPPTYPE_BOOL;
    case FieldRules::kString:
      return field.type() == Field::TYPE_STRING;
    case FieldRules::kBytes:
      return field.type() == Field::TYPE_BYTES;
    case FieldRules::kEnum:
      return field.cpp_type() == Field::CPPTYPE_ENUM;
    case FieldRules::kAny:
      return field.message_type() != nullptr &&
             field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
    case FieldRules::kDuration:
      return field.message_type() != nullptr &&
             field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_DURATION;
    case FieldRules::kTimestamp:
      return field.message_type() != nullptr &&
             field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_TIMESTAMP;
    default:
      return false;
  }
}

bool IsRequired(const FieldRules& rules) {
  return rules.message().required() || rules.any().required() || rules.duration().required() ||
         rules.timestamp().required();
}

bool IsWrapper(const FieldDescriptor& field) {
  if (field.message_type() == nullptr) return false;
  const auto type = field.message_type()->well_known_type();
  return type >= Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
         type <= Descriptor::WELLKNOWNTYPE_BOOLVALUE;
}

ConstraintPlans& ConstraintPlans::OfProcess() {
  static ConstraintPlans plans;
  return plans;
}

const MessagePlan& ConstraintPlans::Get(const Descriptor& type) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return GetLocked(type);
}

// REQUIRES: mutex_ held. A plan is entered before its fields are planned, so types that contain
// themselves end the recursion; other threads see it complete, as they need the mutex to find it.
MessagePlan& ConstraintPlans::GetLocked(const Descriptor& type) {
  std::unique_ptr<MessagePlan>& slot = plans_[&type];
  if (slot != nullptr) return *slot;
  slot = std::make_unique<MessagePlan>();
  MessagePlan& plan = *slot;  // `slot` itself moves when the table grows.
  if (IsDisabled(type)) return plan;
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const OneofDescriptor* oneof = type.oneof_decl(i);
    if (oneof->options().GetExtension(validate::required)) plan.required_oneofs.push_back(oneof);
  }
  for (int i = 0; i < type.field_count(); ++i) PlanField(*type.field(i), plan);
  return plan;
}

void ConstraintPlans::PlanField(const FieldDescriptor& field, MessagePlan& plan) {
  FieldPlan made;
  made.field = &field;
  made.rules = RulesOf(field);
  made.sensitive = IsSensitive(field);
  if (field.is_map()) {
    const bool has = made.rules != nullptr;
    const auto* keys = has && made.rules->map().has_keys() ? &made.rules->map().keys() : nullptr;
    const auto* values =
        has && made.rules->map().has_values() ? &made.rules->map().values() : nullptr;
    PlanValue(*field.message_type()->map_key(), keys, made.key);
    PlanValue(*field.message_type()->map_value(), values, made.value);
  } else if (field.is_repeated()) {
    const bool has = made.rules != nullptr && made.rules->repeated().has_items();
    PlanValue(field, has ? &made.rules->repeated().items() : nullptr, made.value);
  } else {
    PlanValue(field, made.rules, made.value);
  }
  const bool checks = made.rules != nullptr || made.value.message != nullptr || made.value.is_any;
  if (checks) plan.fields.push_back(std::move(made));
}

void ConstraintPlans::PlanValue(const FieldDescriptor& field, const FieldRules* rules,
                                ValuePlan& value) {
  value.rules = rules;
  value.pattern = CompilePattern(rules);
  if (rules != nullptr && rules->message().skip()) return;
  value.is_any = IsAny(field);
  if (field.message_type() != nullptr && !value.is_any && CanFail(*field.message_type())) {
    value.message = &GetLocked(*field.message_type());
  }
}

// Whether `type` or a type reachable from it has constraints.
bool ConstraintPlans::CanFail(const Descriptor& type) {
  const auto known = can_fail_.find(&type);
  if (known != can_fail_.end()) return known->second;
  absl::flat_hash_set<const Descriptor*> seen = {&type};
  std::vector<const Descriptor*> open = {&type};
  bool can_fail = false;
  while (!open.empty() && !can_fail) {
    const Descriptor& next = *open.back();
    open.pop_back();
    if (IsDisabled(next)) continue;
    can_fail = HasOwnConstraints(next);
    for (int i = 0; i < next.field_count(); ++i) {
      const Descriptor* below = Below(*next.field(i));
      if (below != nullptr && seen.insert(below).second) open.push_back(below);
    }
  }
  can_fail_[&type] = can_fail;
  return can_fail;
}

}  // namespace proxenos::config
