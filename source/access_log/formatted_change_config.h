// HeaderValueOption lists of filters to changes whose values may be formats.
#pragma once

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/access_log/formatted_change.h"
#include "source/config/errors.h"

namespace proxenos::access_log {

// `path` is that of the list.
FormattedChanges CompileFormattedChanges(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& list,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::access_log
