// Protos of matchers to their compiled forms, for every converter that meets one. Each function
// adds an error at `path` and returns nothing when the message is wrong.
#pragma once

#include <optional>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/type/matcher/v3/regex.pb.h"
#include "source/config/errors.h"
#include "source/match/match_config.h"
#include "source/route/action.h"
#include "source/route/header_matcher.h"

namespace proxenos::route {

std::optional<RegexRewrite> CompileRegexRewrite(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& config, config::Errors& errors,
    const config::Path& path);
std::optional<HeaderMatcher> CompileHeaderMatcher(
    const envoy::config::route::v3::HeaderMatcher& config, config::Errors& errors,
    const config::Path& path);
std::optional<QueryMatcher> CompileQueryMatcher(
    const envoy::config::route::v3::QueryParameterMatcher& config, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::route
