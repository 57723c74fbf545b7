// Fields that a route adds to what a service's calls begin with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"

namespace proxenos::rpc {

// As CallOptions::metadata has them: names in lower case, what is binary encoded. `path` is that of
// the list.
std::vector<std::pair<std::string, std::string>> CompileInitialMetadata(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValue>& list,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::rpc
