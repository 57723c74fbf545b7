// RouteMatch to its compiled forms: the path, and the further conditions.
#pragma once

#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/errors.h"
#include "source/route/further_conditions.h"
#include "source/route/route.h"

namespace proxenos::route {

// Compiles what a match asks of a stream besides its request: dynamic_metadata, filter_state and
// tls_context. It comes from a layer that knows streams.
using StreamConditionCompiler = void (*)(const envoy::config::route::v3::RouteMatch& config,
                                         const config::Path& path, config::Errors& errors,
                                         std::vector<StreamCondition>* conditions);

PathPattern CompilePath(const envoy::config::route::v3::RouteMatch& config, config::Errors& errors,
                        const config::Path& path);

// `stream`: null: nothing may be asked of the stream.
Conditions CompileConditions(const envoy::config::route::v3::RouteMatch& config,
                             StreamConditionCompiler stream, config::Errors& errors,
                             const config::Path& path);

}  // namespace proxenos::route
