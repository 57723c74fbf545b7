// RouteMatch.path_match_policy and RouteAction.path_rewrite_policy: paths by templates, to the
// regular expressions and substitutions that they are.
#pragma once

#include <optional>

#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/errors.h"
#include "source/match/regex.h"
#include "source/route/action.h"

namespace proxenos::route {

// Nothing, with an error at `path`, when it is wrong.
std::optional<match::Regex> CompilePathMatchPolicy(
    const envoy::config::core::v3::TypedExtensionConfig& policy, config::Errors& errors,
    const config::Path& path);

// The rewrite of a route of that match, whose variables it uses.
std::optional<RegexRewrite> CompilePathRewritePolicy(
    const envoy::config::core::v3::TypedExtensionConfig& policy,
    const envoy::config::route::v3::RouteMatch& match, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::route
