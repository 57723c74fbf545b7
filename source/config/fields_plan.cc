// The table matched with the descriptors, once a type.
#include "source/config/fields_plan.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

const FieldRule* FindRule(const MessageRules& block, std::string_view field) {
  for (const FieldRule& rule : block.rules) {
    std::string_view names = rule.names;
    for (std::string_view name = NextName(names); !name.empty(); name = NextName(names)) {
      if (name == field || name == "*") return &rule;
    }
  }
  return nullptr;
}

}  // namespace

bool Lists(std::string_view names, std::string_view wanted) {
  for (std::string_view name = NextName(names); !name.empty(); name = NextName(names)) {
    const bool open = name.back() == '*';
    if (open ? wanted.substr(0, name.size() - 1) == name.substr(0, name.size() - 1)
             : wanted == name) {
      return true;
    }
  }
  return false;
}

FieldsPlans& FieldsPlans::OfProcess() {
  static FieldsPlans plans;
  return plans;
}

FieldsPlans::FieldsPlans() {
  for (const MessageRules& block : FieldsTable()) blocks_.emplace(block.name, &block);
}

const FieldsPlan& FieldsPlans::Get(const Descriptor& type) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return GetLocked(type, type.full_name());
}

// REQUIRES: mutex_ held. Entered before its fields are planned, so that types containing themselves
// end the recursion.
const FieldsPlan& FieldsPlans::GetLocked(const Descriptor& type, std::string_view name) {
  std::unique_ptr<FieldsPlan>& slot = plans_[name];
  if (slot != nullptr) return *slot;
  slot = std::make_unique<FieldsPlan>();
  FieldsPlan& plan = *slot;
  const auto found = blocks_.find(name);
  plan.listed = found != blocks_.end();
  for (int i = 0; i < type.field_count(); ++i) {
    plan.steps.push_back(PlanField(*type.field(i), plan.listed ? found->second : nullptr));
  }
  return plan;
}

FieldStep FieldsPlans::PlanField(const FieldDescriptor& field, Block block) {
  FieldStep step;
  step.rule = block == nullptr ? nullptr : FindRule(*block, field.name());
  if (step.rule == nullptr || step.rule->verdict != FieldRow::Verdict::kHonoured) return step;
  const FieldDescriptor& value = field.is_map() ? *field.message_type()->map_value() : field;
  if (field.is_map()) step.kind = FieldStep::Kind::kMap;
  if (value.message_type() == nullptr) return step;
  if (value.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
    step.kind = field.is_map() ? FieldStep::Kind::kAnyMap : FieldStep::Kind::kAny;
  } else if (value.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    const bool own = blocks_.contains(field.full_name());
    const std::string_view name = own ? field.full_name() : value.message_type()->full_name();
    step.below = &GetLocked(*value.message_type(), name);
  }
  return step;
}

}  // namespace proxenos::config
