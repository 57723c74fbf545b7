// Compiles HttpConnectionManager.scoped_routes and what SRDS sends for it.
#pragma once

#include <optional>

#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/route/scope.h"

namespace proxenos::route {

ScopeKeyBuilder CompileScopeKeyBuilder(
    const envoy::extensions::filters::network::http_connection_manager::v3::ScopedRoutes::
        ScopeKeyBuilder& proto,
    config::Errors& errors, const config::Path& path);

// Nothing after an error.
std::optional<Scope> CompileScope(const envoy::config::route::v3::ScopedRouteConfiguration& proto,
                                  config::Errors& errors, const config::Path& path);

}  // namespace proxenos::route
