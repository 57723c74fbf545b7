// Document to message by reflection: protobuf's JSON mapping with Envoy's leniencies. Internal to
// this folder; text.h and typed_config.h are its users.
//
// Invariant: a problem is reported and the walk goes on with the next field, so one pass finds all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "source/config/document.h"
#include "source/config/errors.h"
#include "source/config/path.h"
#include "source/config/scalars.h"
#include "source/config/text.h"

namespace proxenos::config {

class Binder {
 public:
  // All arguments but `root` must outlive the binder.
  Binder(const Document& document, const ParseLimits& limits, const Path& root, Errors& errors);

  // Merges the document's root into `message`.
  void Bind(google::protobuf::Message& message);

 private:
  using FieldDescriptor = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;
  // Both spellings of each field of a message type.
  using FieldNames = absl::flat_hash_map<std::string_view, const FieldDescriptor*>;

  // Where Bind of one value goes: the field of a message, appended where it is repeated.
  struct Target {
    Message& message;
    const FieldDescriptor& field;
  };

  // binder.cc: messages, fields, scalars.
  void BindMessage(const Node& node, Message& message);
  void BindFields(const Node& node, Message& message, bool skip_type);
  void BindField(const Node& value, Message& message, const FieldDescriptor& field);
  void BindList(const Node& list, Message& message, const FieldDescriptor& field);
  void BindMapField(const Node& map, Message& message, const FieldDescriptor& field);
  void BindOne(const Node& value, Target target);
  void BindScalar(const Node& node, const Scalar& scalar, Target target);
  void BindNumber(const Node& node, const Scalar& scalar, Target target);
  void BindEnum(const Node& node, const Scalar& scalar, Target target);
  void BindString(const Node& node, const Scalar& scalar, Target target);

  // binder_well_known.cc: types with a JSON form of their own. False where the node has the form of
  // a plain message and is to be bound as one.
  bool BindWellKnown(const Node& node, Message& message);
  bool BindTime(const Node& node, Message& message);
  bool BindWrapper(const Node& node, Message& message);
  bool BindFieldMask(const Node& node, Message& message);
  void BindAny(const Node& node, google::protobuf::Any& any);
  void BindAnyContent(const Node& node, Message& content);
  std::optional<std::string_view> AnyTypeUrl(const Node& node);
  void BindStruct(const Node& node, google::protobuf::Struct& value);
  void BindListValue(const Node& node, google::protobuf::ListValue& value);
  void BindValue(const Node& node, google::protobuf::Value& value);

  // Follows an alias and charges the value to the budget.
  const Node& Resolve(uint32_t index);
  // Counts a level of nesting for its lifetime; `ok` is false at the limit.
  struct Level {
    explicit Level(Binder& binder, const Node& node);
    ~Level();
    Binder& binder;
    bool ok;
  };
  const FieldNames& NamesOf(const google::protobuf::Descriptor& descriptor);
  void ReportUnknownField(const Node& key, const google::protobuf::Descriptor& descriptor);
  void Fail(const Node& node, std::string_view problem);
  void FailValue(const Node& node, std::string_view expected);

  const Document& document_;
  const ParseLimits& limits_;
  Errors& errors_;
  PathStack path_;
  // Values that may still be bound; text counts by its size too. Only aliases can exhaust it.
  size_t budget_;
  size_t depth_ = 0;
  bool exhausted_ = false;
  // Behind pointers because entries move when the table grows.
  absl::flat_hash_map<const google::protobuf::Descriptor*, std::unique_ptr<FieldNames>> names_;
};

}  // namespace proxenos::config
