// Two plans made one. What is rare or hard to be sure of is left to the walks: Kind::kUnsure.
#include "source/config/screen_plan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "google/protobuf/wire_format_lite.h"
#include "source/config/constraint_rules.h"
#include "source/config/typed_config.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using google::protobuf::internal::WireFormatLite;
using validate::FieldRules;
using Kind = ScreenStep::Kind;

float AsFloat(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }

NumberRule NumberRuleOf(const FieldRules& rules) {
  switch (rules.type_case()) {
    case FieldRules::kFloat:
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.float_(), AsFloat(v)).empty();
      };
    case FieldRules::kDouble:
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.double_(), std::bit_cast<double>(v)).empty();
      };
    case FieldRules::kInt32:
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.int32(), static_cast<int32_t>(v)).empty();
      };
    case FieldRules::kInt64:
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.int64(), static_cast<int64_t>(v)).empty();
      };
    case FieldRules::kUint32:
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.uint32(), static_cast<uint32_t>(v)).empty();
      };
    case FieldRules::kUint64:
      return [](const FieldRules& r, uint64_t v) { return BrokenRule(r.uint64(), v).empty(); };
    case FieldRules::kBool:
      return [](const FieldRules& r, uint64_t v) { return BrokenRule(r.bool_(), v != 0).empty(); };
    case FieldRules::kEnum:
      // Whether it is defined is asked apart.
      return [](const FieldRules& r, uint64_t v) {
        return BrokenRule(r.enum_(), static_cast<int>(v), true).empty();
      };
    default:
      return nullptr;
  }
}

// Numbers whose bits on the wire are their value.
bool IsPlainNumber(FieldDescriptor::Type type) {
  switch (type) {
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SINT64:
    case FieldDescriptor::TYPE_SFIXED32:
    case FieldDescriptor::TYPE_SFIXED64:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_FIXED64:
      return false;
    default:
      return true;
  }
}

uint8_t WireTypeOf(const FieldDescriptor& field) {
  return static_cast<uint8_t>(WireFormatLite::WireTypeForFieldType(
      static_cast<WireFormatLite::FieldType>(static_cast<int>(field.type()))));
}

// The values of an enum or bool that `only` lists; false where they cannot be told so.
bool PlanAllowed(const FieldDescriptor& field, std::string_view only, ScreenStep& step) {
  if (only.empty()) return true;
  step.all_allowed = false;
  step.allowed = 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    step.allowed = (Lists(only, "false") ? 1U : 0U) | (Lists(only, "true") ? 2U : 0U);
    return true;
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return false;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const auto& value = *field.enum_type()->value(i);
    if (value.number() < 0 || value.number() >= 64 || !Lists(only, value.name())) continue;
    step.allowed |= uint64_t{1} << value.number();
  }
  return true;
}

// Whether a scalar that is not set, which reads as its default, keeps its rules.
bool DefaultHolds(const ScreenStep& step) {
  if (step.kind == Kind::kUnsure || step.rules == nullptr) return true;
  if (step.kind == Kind::kText) return BrokenRule(step.rules->string(), step.pattern, "").empty();
  if (step.kind == Kind::kBytes) return BrokenRule(step.rules->bytes(), step.pattern, "").empty();
  if (step.kind != Kind::kNumber) return true;
  if (step.defined != nullptr && step.defined->FindValueByNumber(0) == nullptr) return false;
  return step.number == nullptr || step.number(*step.rules, 0);
}

// The bounds of a list or map. False where they cannot be told while walking.
bool PlanLength(const FieldDescriptor& field, const FieldRule& honoured, const FieldRules* rules,
                ScreenPlan& plan, ScreenStep& step) {
  uint64_t most = honoured.at_most;
  uint64_t least = 0;
  if (rules != nullptr && rules->has_repeated()) {
    if (rules->repeated().unique()) return false;
    if (rules->repeated().has_max_items()) most = std::min(most, rules->repeated().max_items());
    if (!rules->repeated().ignore_empty()) least = rules->repeated().min_items();
    // Of an empty one that is ignored, one with too few is not.
    if (rules->repeated().ignore_empty() && rules->repeated().min_items() > 1) return false;
  }
  if (rules != nullptr && rules->has_map()) {
    // Of entries with the same key one is left.
    if (rules->map().no_sparse() || rules->map().min_pairs() > 1) return false;
    if (rules->map().has_max_pairs()) most = std::min(most, rules->map().max_pairs());
    if (!rules->map().ignore_empty()) least = rules->map().min_pairs();
  }
  constexpr uint64_t kNoBound = std::numeric_limits<uint32_t>::max();
  if (least > 0) plan.needed.set(static_cast<size_t>(field.index()));
  if (most >= kNoBound && least <= 1) return true;
  size_t counters = 0;
  for (const ScreenStep& each : plan.steps) {
    if (each.counter != ScreenStep::kNotCounted) ++counters;
  }
  if (counters >= ScreenPlan::kMaxCounters || least >= kNoBound) return false;
  step.counter = static_cast<uint8_t>(counters);
  step.most = static_cast<uint32_t>(std::min(most, kNoBound));
  if (least > 1) plan.bounds.push_back({step.counter, static_cast<uint32_t>(least)});
  return true;
}

bool IsAny(const FieldDescriptor& field) {
  return field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
}

void PlanScalar(const FieldDescriptor& field, std::string_view only, const ValuePlan* checked,
                ScreenStep& step) {
  if (!PlanAllowed(field, only, step)) return;
  const FieldRules* rules = checked == nullptr ? nullptr : checked->rules;
  if (rules != nullptr && !Fits(*rules, field)) rules = nullptr;
  step.rules = rules;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    if (rules != nullptr) step.pattern = checked->pattern.get();
    const bool text = field.type() == FieldDescriptor::TYPE_STRING;
    step.kind = text ? Kind::kText : Kind::kBytes;
    return;
  }
  if (rules != nullptr) {
    step.number = NumberRuleOf(*rules);
    if (step.number == nullptr || !IsPlainNumber(field.type())) return;
    if (rules->has_enum_() && rules->enum_().defined_only()) step.defined = field.enum_type();
  }
  step.kind = Kind::kNumber;
}

// Places by number for a message of such fields; false: it has too many.
bool PlanPlaces(const Descriptor& type, ScreenPlan& plan) {
  constexpr int kMaxNumber = 1024;
  if (static_cast<size_t>(type.field_count()) > ScreenPlan::kMaxFields) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const int number = type.field(i)->number();
    if (number >= kMaxNumber) return false;
    if (plan.places.size() <= static_cast<size_t>(number)) {
      plan.places.resize(static_cast<size_t>(number) + 1);
    }
    plan.places[static_cast<size_t>(number)] = static_cast<uint8_t>(i + 1);
  }
  plan.steps.resize(static_cast<size_t>(type.field_count()));
  return true;
}

// All fields of well-known types are honoured.
constexpr FieldRule kHonoured = Use("*");

FieldStep HonouredStep() {
  FieldStep step;
  step.rule = &kHonoured;
  return step;
}

}  // namespace

const ScreenPlan& ScreenPlans::Get(const Descriptor& type) {
  const FieldsPlan& fields = FieldsPlans::OfProcess().Get(type);
  const MessagePlan& constraints = ConstraintPlans::OfProcess().Get(type);
  const std::lock_guard<std::mutex> lock(mutex_);
  return GetLocked({&type, &fields, &constraints});
}

const ScreenPlan* ScreenPlans::Find(std::string_view type_url) {
  const std::string_view name = TypeName(type_url);
  if (name.empty() || IsTypedStruct(name)) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = by_name_.find(name);
  if (known != by_name_.end()) return known->second;
  const Descriptor* type =
      DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(name));
  if (type == nullptr) return nullptr;
  const FieldsPlan& fields = FieldsPlans::OfProcess().Get(*type);
  if (!fields.listed) return nullptr;
  const ScreenPlan& plan = GetLocked({type, &fields, &ConstraintPlans::OfProcess().Get(*type)});
  by_name_.emplace(type->full_name(), &plan);
  return &plan;
}

// REQUIRES: mutex_ held. Entered before its fields are planned, so that types containing themselves
// end the recursion.
const ScreenPlan& ScreenPlans::GetLocked(const Key& key) {
  std::unique_ptr<ScreenPlan>& slot = plans_[key];
  if (slot != nullptr) return *slot;
  slot = std::make_unique<ScreenPlan>();
  ScreenPlan& plan = *slot;
  const auto [type, fields, constraints] = key;
  plan.usable = PlanPlaces(*type, plan);
  if (!plan.usable) return plan;
  std::vector<const FieldPlan*> checked(plan.steps.size());
  if (constraints != nullptr) {
    for (const FieldPlan& each : constraints->fields) {
      checked[static_cast<size_t>(each.field->index())] = &each;
    }
    for (const OneofDescriptor* oneof : constraints->required_oneofs) {
      ScreenPlan::Fields& choice = plan.choices.emplace_back();
      for (int i = 0; i < oneof->field_count(); ++i) {
        choice.set(static_cast<size_t>(oneof->field(i)->index()));
      }
    }
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const auto at = static_cast<size_t>(i);
    PlanField(*type->field(i), fields == nullptr ? HonouredStep() : fields->steps[at], checked[at],
              plan);
  }
  return plan;
}

void ScreenPlans::PlanField(const FieldDescriptor& field, const FieldStep& honoured,
                            const FieldPlan* checked, ScreenPlan& plan) {
  const auto at = static_cast<size_t>(field.index());
  ScreenStep step;
  step.wire = WireTypeOf(field);
  step.repeated = field.is_repeated();
  step.packable = field.is_packable();
  const FieldRules* rules = checked == nullptr ? nullptr : checked->rules;
  // What is missing is missing whether or not it would have been honoured.
  const bool required = rules != nullptr && !field.is_repeated() && field.has_presence() &&
                        field.real_containing_oneof() == nullptr && IsRequired(*rules);
  if (required) plan.needed.set(at);
  if (field.is_map()) {
    step.kind = Kind::kMessage;
    step.below = PlanEntry(field, honoured, checked);
  } else {
    PlanValue(field, honoured, checked == nullptr ? nullptr : &checked->value, step);
  }
  const bool passes =
      honoured.rule != nullptr && honoured.rule->verdict == FieldRow::Verdict::kHonoured;
  if (!field.has_presence() && !field.is_repeated()) {
    const bool untold = rules != nullptr && step.kind == Kind::kUnsure;
    if (untold || !DefaultHolds(step)) plan.needed.set(at);
  }
  if (field.is_repeated()) {
    const FieldRule& rule = honoured.rule == nullptr ? kHonoured : *honoured.rule;
    if (!PlanLength(field, rule, rules, plan, step)) {
      step.kind = Kind::kUnsure;
      const bool may_be_missing =
          rules == nullptr || (rules->repeated().min_items() == 0 && rules->map().min_pairs() == 0);
      if (!may_be_missing) plan.needed.set(at);
    }
  }
  if (!passes) step.kind = Kind::kUnsure;
  plan.steps[at] = step;
}

void ScreenPlans::PlanValue(const FieldDescriptor& field, const FieldStep& honoured,
                            const ValuePlan* checked, ScreenStep& step) {
  if (field.message_type() != nullptr) return PlanMessage(field, honoured, checked, step);
  PlanScalar(field, honoured.rule == nullptr ? "" : honoured.rule->only, checked, step);
}

void ScreenPlans::PlanMessage(const FieldDescriptor& field, const FieldStep& honoured,
                              const ValuePlan* checked, ScreenStep& step) {
  const FieldRules* rules = checked == nullptr ? nullptr : checked->rules;
  const std::string_view only = honoured.rule == nullptr ? "" : honoured.rule->only;
  if (field.type() == FieldDescriptor::TYPE_GROUP) return;
  if (IsAny(field)) {
    if (rules != nullptr && (rules->any().in_size() > 0 || rules->any().not_in_size() > 0)) return;
    step.types = only;
    step.kind = Kind::kAny;
    return;
  }
  if (IsWrapper(field)) {
    step.below = PlanWrapper(field, honoured, checked);
    step.kind = Kind::kMessage;
    return;
  }
  if (!only.empty()) return;
  const auto type = field.message_type()->well_known_type();
  if (rules != nullptr && Fits(*rules, field)) {
    if (type != Descriptor::WELLKNOWNTYPE_DURATION) return;
    step.rules = rules;
    step.kind = Kind::kDuration;
    return;
  }
  const bool well_known = type != Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
  if (!well_known && honoured.below == nullptr) return;
  step.below = &GetLocked(
      {field.message_type(), honoured.below, checked == nullptr ? nullptr : checked->message});
  step.kind = Kind::kMessage;
}

const ScreenPlan* ScreenPlans::PlanWrapper(const FieldDescriptor& field, const FieldStep& honoured,
                                           const ValuePlan* checked) {
  ScreenPlan& plan = *own_.emplace_back(std::make_unique<ScreenPlan>());
  const FieldDescriptor& value = *field.message_type()->FindFieldByNumber(1);
  plan.usable = PlanPlaces(*field.message_type(), plan);
  ScreenStep& step = plan.steps[0];
  step.wire = WireTypeOf(value);
  PlanScalar(value, honoured.rule == nullptr ? "" : honoured.rule->only, checked, step);
  const bool zero_allowed = step.all_allowed || (step.allowed & 1) != 0;
  if (!zero_allowed || !DefaultHolds(step)) plan.needed.set(0);
  return &plan;
}

const ScreenPlan* ScreenPlans::PlanEntry(const FieldDescriptor& field, const FieldStep& honoured,
                                         const FieldPlan* checked) {
  ScreenPlan& plan = *own_.emplace_back(std::make_unique<ScreenPlan>());
  const Descriptor& entry = *field.message_type();
  plan.usable =
      PlanPlaces(entry, plan) && (honoured.rule == nullptr || honoured.rule->only.empty());
  if (!plan.usable) return &plan;
  const auto plan_part = [&](const FieldDescriptor& part, const ValuePlan* rules) {
    ScreenStep step;
    step.wire = WireTypeOf(part);
    PlanValue(part, honoured, rules, step);
    plan.steps[static_cast<size_t>(part.index())] = step;
    // Else the default would count; nobody leaves it out.
    plan.needed.set(static_cast<size_t>(part.index()));
  };
  plan_part(*entry.map_key(), checked == nullptr ? nullptr : &checked->key);
  plan_part(*entry.map_value(), checked == nullptr ? nullptr : &checked->value);
  return &plan;
}

}  // namespace proxenos::config
