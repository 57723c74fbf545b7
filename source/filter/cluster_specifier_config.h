// envoy.extensions.router.cluster_specifiers.matcher.v3: the cluster of a request by a matcher.
#pragma once

#include "source/route/tree_config.h"

namespace proxenos::filter {

// A route::SpecifierCompiler.
route::SpecifierResult CompileMatcherSpecifier(
    const envoy::config::core::v3::TypedExtensionConfig& plugin, const config::Path& path);

}  // namespace proxenos::filter
