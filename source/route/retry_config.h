// envoy.config.route.v3.RetryPolicy to RetryPolicy. Errors go to the Compilation; what comes back
// after one must not be used.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/route/action.h"
#include "source/route/compilation_config.h"

namespace proxenos::route {

std::shared_ptr<const RetryPolicy> CompileRetryPolicy(
    const envoy::config::route::v3::RetryPolicy& config, Compilation& compilation,
    const config::Path& path);

}  // namespace proxenos::route
