// What of the node stands in the names of collections: Bootstrap.node_context_params.
#pragma once

#include <map>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"

namespace proxenos::xds {

// "xds.node.id", "xds.node.metadata.KEY" and so on. Values of metadata are JSON.
std::map<std::string, std::string> NodeContext(
    const envoy::config::core::v3::Node& node,
    const google::protobuf::RepeatedPtrField<std::string>& params, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::xds
