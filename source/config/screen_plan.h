// What SurelyFine does with each field of a message type: the plans of the two checks (constraints
// and fields) joined, and addressed by what stands on the wire. Internal to screen.cc.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/descriptor.h"
#include "source/config/constraint_plan.h"
#include "source/config/fields_plan.h"

namespace proxenos::config {

struct ScreenPlan;

// Whether `value`, a varint or the bits of a fixed number, keeps the rules of a number.
using NumberRule = bool (*)(const validate::FieldRules& rules, uint64_t value);

struct ScreenStep {
  enum class Kind : uint8_t { kUnsure, kNumber, kText, kBytes, kMessage, kDuration, kAny };
  static constexpr uint8_t kNotCounted = 255;

  Kind kind = Kind::kUnsure;
  uint8_t wire = 0;  // Its wire type; of a packed list that of an element.
  bool repeated = false;
  bool packable = false;
  uint8_t counter = kNotCounted;                // Of a list whose length has bounds.
  uint32_t most = 0;                            // Elements; with a counter only.
  const validate::FieldRules* rules = nullptr;  // Of the value; null: any will do.
  const re2::RE2* pattern = nullptr;
  NumberRule number = nullptr;
  const google::protobuf::EnumDescriptor* defined = nullptr;  // Only its values.
  // Of an enum or a bool: which of the values below 64 are honoured.
  uint64_t allowed = static_cast<uint64_t>(-1);
  bool all_allowed = true;
  std::string_view types = {};        // Of an Any: those that are honoured; empty: all.
  const ScreenPlan* below = nullptr;  // Of kMessage.
};

struct ScreenPlan {
  static constexpr size_t kMaxFields = 128;
  static constexpr size_t kMaxCounters = 8;
  using Fields = std::bitset<kMaxFields>;  // By place in `steps`.

  // False: no message of this type is sure.
  bool usable = true;
  std::vector<uint8_t> places;  // By field number: place in `steps`, counted from 1; 0: none.
  std::vector<ScreenStep> steps;
  Fields needed;                // All of them must be set,
  std::vector<Fields> choices;  // and one of each of these.
  // A list that needs several elements.
  struct Bound {
    uint8_t counter;
    uint32_t least;
  };
  std::vector<Bound> bounds;
};

// All plans made so far. Thread: any; plans never change once returned and live as long as this.
class ScreenPlans {
 public:
  // Of a resource.
  const ScreenPlan& Get(const google::protobuf::Descriptor& type);
  // Of what is in an Any of this type; null where such an Any is not sure.
  const ScreenPlan* Find(std::string_view type_url);

 private:
  using Descriptor = google::protobuf::Descriptor;
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  // Of a well-known type the first is null: all its fields are honoured. The second is null where
  // no constraint can be broken.
  using Key = std::tuple<const Descriptor*, const FieldsPlan*, const MessagePlan*>;

  const ScreenPlan& GetLocked(const Key& key);
  void PlanField(const FieldDescriptor& field, const FieldStep& honoured, const FieldPlan* checked,
                 ScreenPlan& plan);
  void PlanValue(const FieldDescriptor& field, const FieldStep& honoured, const ValuePlan* checked,
                 ScreenStep& step);
  void PlanMessage(const FieldDescriptor& field, const FieldStep& honoured,
                   const ValuePlan* checked, ScreenStep& step);
  const ScreenPlan* PlanWrapper(const FieldDescriptor& field, const FieldStep& honoured,
                                const ValuePlan* checked);
  const ScreenPlan* PlanEntry(const FieldDescriptor& field, const FieldStep& honoured,
                              const FieldPlan* checked);

  std::mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<ScreenPlan>> plans_;
  absl::flat_hash_map<std::string_view, const ScreenPlan*> by_name_;  // Of what is in Any.
  // Of entries of maps and of wrappers, which belong to one field.
  std::vector<std::unique_ptr<ScreenPlan>> own_;
};

}  // namespace proxenos::config
