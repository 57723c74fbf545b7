// Which fields hold secrets: those that the API marks udpa.annotations.sensitive.
#pragma once

#include "google/protobuf/descriptor.h"

namespace proxenos::config {

bool IsSensitive(const google::protobuf::FieldDescriptor& field);

}  // namespace proxenos::config
