// MessageTypes: the messages of a descriptor set, between JSON and their bytes; and fields of them
// that are set by the text of a path or query.
//
// JSON and messages come from peers: protobuf bounds how deeply they nest (100), the caller how
// large they are, and what is written is bounded here. Thread: any (immutable; the library guards
// its own caches).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"

namespace proxenos::filters::grpc_json_transcoder {

// The fields from a message down to one of a nested message.
using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

class MessageTypes {
 public:
  explicit MessageTypes(std::unique_ptr<google::protobuf::DescriptorPool> pool);

  const google::protobuf::DescriptorPool& pool() const { return *pool_; }
  // Lives as long as the types do.
  const google::protobuf::Message& PrototypeOf(const google::protobuf::Descriptor& type) const;

  // The bytes of the message that the JSON says. Error: in words for the client.
  absl::StatusOr<std::string> FromJson(const google::protobuf::Descriptor& type,
                                       absl::string_view json, bool any_case_enums) const;
  // Error: not a message of that type, or more than `max_bytes` of JSON.
  absl::StatusOr<std::string> ToJson(const google::protobuf::Descriptor& type,
                                     absl::string_view bytes,
                                     const google::protobuf::util::JsonPrintOptions& options,
                                     size_t max_bytes) const;

 private:
  std::unique_ptr<google::protobuf::DescriptorPool> pool_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
  mutable google::protobuf::DynamicMessageFactory factory_;  // Guards itself.
};

// Messages in each other: what walks them is recursive, and a type may have a field of itself. As
// deep as services read them.
inline constexpr size_t kMaxFieldNames = 100;

// By name or JSON name. Error: there is no such field, one before the last is no single message, or
// there are more names than kMaxFieldNames.
absl::StatusOr<FieldPath> FindField(const google::protobuf::Descriptor& type,
                                    const std::vector<std::string>& names);

// Sets, or adds to, a field of `message` what a text says. Error: it does not fit the field's type.
absl::Status SetField(const FieldPath& path, const std::string& text, bool any_case_enums,
                      const MessageTypes& types, google::protobuf::Message& message);

// Whether both messages have a value in the field, and not the same.
bool Differs(const FieldPath& path, const google::protobuf::Message& one,
             const google::protobuf::Message& other);

// Of an array: each costs some microseconds, whatever it has, and all of them are one turn's.
inline constexpr size_t kMaxElements = 4096;
// The elements of a JSON array, as they are written. Error: it is none, or has more than that. What
// stands within them is not looked at more than needed to find their ends.
absl::StatusOr<std::vector<absl::string_view>> SplitArray(absl::string_view json);

}  // namespace proxenos::filters::grpc_json_transcoder
