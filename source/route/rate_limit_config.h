// envoy.config.route.v3.RateLimit to RateLimit.
#pragma once

#include "envoy/config/route/v3/route_components.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"
#include "source/route/rate_limit.h"

namespace proxenos::route {

// `path` is that of the list.
RateLimits CompileRateLimits(
    const google::protobuf::RepeatedPtrField<envoy::config::route::v3::RateLimit>& config,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::route
