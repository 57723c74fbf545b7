// VirtualHost.matcher: what chooses a route by all that is known of a stream.
#pragma once

#include <optional>

#include "source/route/tree_config.h"

namespace proxenos::filter {

// A route::TreeCompiler.
std::optional<route::RouteTree::Choose> CompileRouteTree(
    const ::xds::type::matcher::v3::Matcher& proto, route::ActionNumbers actions,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filter
