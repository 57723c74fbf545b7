// Formatters: extensions of the set of operators that a format may name.
#pragma once

#include "envoy/config/core/v3/extension.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/access_log/operator.h"
#include "source/config/errors.h"

namespace proxenos::access_log {

// `path`: the list's.
OperatorExtensions CompileFormatters(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::TypedExtensionConfig>& protos,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::access_log
