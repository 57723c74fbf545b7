// envoy.config.route.v3.RateLimit to RateLimit.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/config/errors.h"
#include "source/route/rate_limit.h"

namespace proxenos::route {

using RateLimitProtos = google::protobuf::RepeatedPtrField<envoy::config::route::v3::RateLimit>;

// A format of a value; reports its own errors.
using MakeRateLimitFormat =
    absl::FunctionRef<RateLimitFormat(const std::string& text, const config::Path& path)>;

// Of limits that the proxy keeps itself: what only a service can count is an error. `path` is that
// of the list.
RateLimits CompileRateLimits(const RateLimitProtos& config, MakeRateLimitFormat make,
                             config::Errors& errors, const config::Path& path);

// Of limits that a service counts.
RateLimits CompileServiceRateLimits(const RateLimitProtos& config, MakeRateLimitFormat make,
                                    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::route
