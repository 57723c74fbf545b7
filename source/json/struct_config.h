// google.protobuf.Struct of a configuration to a Value.
#pragma once

#include "google/protobuf/struct.pb.h"
#include "source/json/value.h"

namespace proxenos::json {

// What is nested deeper than kMaxDepth is left out.
Value FromProto(const google::protobuf::Value& proto);
Object FromProto(const google::protobuf::Struct& proto);

}  // namespace proxenos::json
