// From RouteAction.HashPolicy to HashPolicy.
#pragma once

#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/errors.h"
#include "source/route/hash_policy.h"

namespace proxenos::route {

std::vector<HashPolicy> CompileHashPolicies(
    const google::protobuf::RepeatedPtrField<envoy::config::route::v3::RouteAction::HashPolicy>&
        protos,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::route
