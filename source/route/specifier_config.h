// RouteConfiguration.cluster_specifier_plugins, and the routes that use them or have their own.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route.pb.h"
#include "source/route/cluster_specifier.h"
#include "source/route/compilation_config.h"

namespace proxenos::route {

// Into compilation.specifiers: before the routes, which name them.
void CompileSpecifiers(const envoy::config::route::v3::RouteConfiguration& config,
                       Compilation& compilation, const config::Path& path);

// Of a route that has cluster_specifier_plugin or inline_cluster_specifier_plugin; null with an
// error.
std::shared_ptr<const ClusterSpecifier> CompileSpecifier(
    const envoy::config::route::v3::RouteAction& config, Compilation& compilation,
    const config::Path& path);

}  // namespace proxenos::route
