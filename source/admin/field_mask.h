// Trimming of a message to the fields that a mask names: like protobuf's own FieldMaskUtil, but the
// paths also go through repeated fields and into what an Any holds.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace proxenos::admin {

// The paths of a mask as a tree.
class FieldMask {
 public:
  // "a.b,c": paths of field names, with commas between.
  explicit FieldMask(absl::string_view text);

  // Whether any path could be meant for this message type: its first field exists, and the ones
  // below it too as far as the types tell.
  bool AppliesTo(const google::protobuf::Descriptor& type) const;
  // The same of every path.
  bool WhollyAppliesTo(const google::protobuf::Descriptor& type) const;
  // Clears all that is not named.
  void Trim(google::protobuf::Message& message) const;

 private:
  FieldMask() = default;

  bool whole_ = false;  // Everything from here on is kept.
  std::map<std::string, FieldMask> children_;
};

}  // namespace proxenos::admin
