// The constraints of a message type, found once by reflection on its descriptor: which fields have
// rules, their compiled patterns, and below which fields anything can be wrong at all. Internal to
// this folder.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/descriptor.h"
#include "re2/re2.h"
#include "validate/validate.pb.h"

namespace proxenos::config {

struct MessagePlan;

// Rules that do not fit the field's type are the API's mistake, not the input's: they are skipped.
bool Fits(const validate::FieldRules& rules, const google::protobuf::FieldDescriptor& field);
// Whether a message that has these rules must be there.
bool IsRequired(const validate::FieldRules& rules);
// Whether the field is a google.protobuf.UInt32Value or the like: a scalar's rules hold within.
bool IsWrapper(const google::protobuf::FieldDescriptor& field);

// The rules of one value: a singular field, an item, a map's key or value.
struct ValuePlan {
  // Lives in the descriptor's options; null where there are none.
  const validate::FieldRules* rules = nullptr;
  std::unique_ptr<re2::RE2> pattern;
  // The plan of the message type that is to be checked in turn; null for scalars and where nothing
  // below has constraints.
  const MessagePlan* message = nullptr;
  // The value is a google.protobuf.Any, whose content is to be checked.
  bool is_any = false;
};

struct FieldPlan {
  const google::protobuf::FieldDescriptor* field = nullptr;
  const validate::FieldRules* rules = nullptr;
  bool sensitive = false;
  ValuePlan value;  // For a map its values.
  ValuePlan key;    // For a map only.
};

struct MessagePlan {
  std::vector<FieldPlan> fields;
  std::vector<const google::protobuf::OneofDescriptor*> required_oneofs;

  bool empty() const { return fields.empty() && required_oneofs.empty(); }
};

// All plans made so far. Thread: any; plans never change once returned and live as long as this.
class ConstraintPlans {
 public:
  static ConstraintPlans& OfProcess();
  const MessagePlan& Get(const google::protobuf::Descriptor& type);

 private:
  MessagePlan& GetLocked(const google::protobuf::Descriptor& type);
  void PlanField(const google::protobuf::FieldDescriptor& field, MessagePlan& plan);
  void PlanValue(const google::protobuf::FieldDescriptor& field, const validate::FieldRules* rules,
                 ValuePlan& value);
  bool CanFail(const google::protobuf::Descriptor& type);

  std::mutex mutex_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, std::unique_ptr<MessagePlan>> plans_;
  // Whether anything below a type has constraints, as far as known.
  absl::flat_hash_map<const google::protobuf::Descriptor*, bool> can_fail_;
};

}  // namespace proxenos::config
