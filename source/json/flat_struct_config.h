// A google.protobuf.Struct as names and bytes, for what compares metadata and never looks into it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/struct.pb.h"

namespace proxenos::json {

// The same bytes for the same value.
std::string SerializedValue(const google::protobuf::Value& value);

// The fields by rising name, each value so.
std::vector<std::pair<std::string, std::string>> FlattenStruct(
    const google::protobuf::Struct& proto);

}  // namespace proxenos::json
