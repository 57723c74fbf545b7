// Lists of envoy.config.common.mutation_rules.v3.HeaderMutation to lists of FieldChange.
#pragma once

#include <vector>

#include "envoy/config/common/mutation_rules/v3/mutation_rules.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/route/compilation_config.h"
#include "source/route/field_change.h"

namespace proxenos::route {

using FieldChangeProtos =
    google::protobuf::RepeatedPtrField<envoy::config::common::mutation_rules::v3::HeaderMutation>;

// What they may not name is an error below `path`, the list's.
std::vector<FieldChange> CompileFieldChanges(const FieldChangeProtos& protos,
                                             Compilation& compilation, const config::Path& path);

}  // namespace proxenos::route
