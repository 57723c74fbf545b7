// The `validate.rules` constraints that the official protos carry (protoc-gen-validate), checked by
// reflection on any message, inside Any as well.
//
// Each message type's rules are compiled once and kept for the life of the process; checking a
// message then costs in proportion to what is set in it. Thread: any.
#pragma once

#include "google/protobuf/message.h"
#include "source/config/errors.h"

namespace proxenos::config {

// Adds one error for each constraint that `message`, or any message within it, breaks. Any and
// TypedStruct contents of generated types are checked too; a content that cannot be parsed is an
// error, a type that is not compiled in is not (CheckFields rejects those).
void CheckConstraints(const google::protobuf::Message& message, Errors& errors,
                      const Path& root = {});

}  // namespace proxenos::config
