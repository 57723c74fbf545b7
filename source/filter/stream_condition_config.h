// RouteMatch.tls_context, dynamic_metadata and filter_state: conditions on what a stream knows.
#pragma once

#include <vector>

#include "source/route/route_match_config.h"

namespace proxenos::filter {

// A route::StreamConditionCompiler.
void CompileStreamConditions(const envoy::config::route::v3::RouteMatch& config,
                             const config::Path& path, config::Errors& errors,
                             std::vector<route::StreamCondition>* conditions);

}  // namespace proxenos::filter
