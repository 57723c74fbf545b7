// The table compiled against the descriptors: for each message type (or field that has a block of
// its own) what to do with each field. Internal to this folder.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/descriptor.h"
#include "source/config/fields_table.h"

namespace proxenos::config {

struct FieldsPlan;

// Whether a value is among those of FieldRule::only.
bool Lists(std::string_view names, std::string_view wanted);

struct FieldStep {
  const FieldRule* rule = nullptr;  // Null: no row, rejected.
  // How to go on below an honoured message; null for scalars and well-known types.
  const FieldsPlan* below = nullptr;
  enum class Kind : uint8_t { kPlain, kMap, kAny, kAnyMap } kind = Kind::kPlain;
};

struct FieldsPlan {
  // False for a message type without a block: then every field is rejected.
  bool listed = false;
  std::vector<FieldStep> steps;  // By the field's index.
};

// Plans made so far. Thread: any; plans are complete and constant once returned.
class FieldsPlans {
 public:
  static FieldsPlans& OfProcess();
  FieldsPlans();
  const FieldsPlan& Get(const google::protobuf::Descriptor& type);

 private:
  using Block = const MessageRules*;
  const FieldsPlan& GetLocked(const google::protobuf::Descriptor& type, std::string_view name);
  FieldStep PlanField(const google::protobuf::FieldDescriptor& field, Block block);

  std::mutex mutex_;
  absl::flat_hash_map<std::string_view, Block> blocks_;
  // By the name of the block, else of the type.
  absl::flat_hash_map<std::string_view, std::unique_ptr<FieldsPlan>> plans_;
};

}  // namespace proxenos::config
