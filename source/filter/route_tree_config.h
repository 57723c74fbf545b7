// What route tables have compiled here, where all that is known of a stream can be read:
// VirtualHost. matcher, matches that ask about the stream, cluster specifiers.
#pragma once

#include <optional>

#include "source/route/tree_config.h"

namespace proxenos::filter {

// A route::TreeCompiler.
std::optional<route::RouteTree::Choose> CompileRouteTree(
    const ::xds::type::matcher::v3::Matcher& proto, route::ActionNumbers actions,
    const config::Path& path, config::Errors& errors);

// All of them.
route::UpperCompilers RouteCompilers();

}  // namespace proxenos::filter
