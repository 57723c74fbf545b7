// From RouteAction to an InternalRedirectPolicy.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/route/compilation_config.h"
#include "source/route/internal_redirect.h"

namespace proxenos::route {

// Null where redirects are the client's affair, and with every error named when it is wrong.
// `path`: of the RouteAction.
std::shared_ptr<const InternalRedirectPolicy> CompileInternalRedirects(
    const envoy::config::route::v3::RouteAction& config, Compilation& compilation,
    const config::Path& path);

}  // namespace proxenos::route
