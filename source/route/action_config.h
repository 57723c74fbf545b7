// RouteAction, RedirectAction, DirectResponseAction to their compiled forms. Errors go
// to the Compilation; what comes back after one must not be used.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/route/action.h"
#include "source/route/compilation_config.h"

namespace proxenos::route {

// `inherited` is the virtual host's retry policy, or null.
Forward CompileForward(const envoy::config::route::v3::RouteAction& config,
                       const std::shared_ptr<const RetryPolicy>& inherited,
                       Compilation& compilation, const config::Path& path);
Redirect CompileRedirect(const envoy::config::route::v3::RedirectAction& config,
                         Compilation& compilation, const config::Path& path);
// Reads the body's file, if that is where it is.
DirectResponse CompileDirectResponse(const envoy::config::route::v3::DirectResponseAction& config,
                                     Compilation& compilation, const config::Path& path);

}  // namespace proxenos::route
