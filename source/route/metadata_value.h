// JSON values as the bytes of google.protobuf.Value, so that what filters leave on the data path
// can be compared with values of the configuration: equal bytes, equal values.
#pragma once

#include <string>

#include "source/json/value.h"

namespace proxenos::route {

// Appends what protobuf's deterministic serialization of the same value is. Objects inside are in
// the order of their names.
void AppendProtoValue(const json::Value& value, std::string& out);

}  // namespace proxenos::route
