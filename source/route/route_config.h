// RouteConfiguration to RouteTable: all semantic validation of routes, every error with its field.
//
// What `validate.rules` says and which fields are implemented is checked elsewhere
// (config::CheckConstraints, config::CheckFields); this still never crashes on a message that
// breaks those rules.
#pragma once

#include <memory>

#include "envoy/config/route/v3/route.pb.h"
#include "source/config/errors.h"
#include "source/route/filter_override_config.h"
#include "source/route/route_match_config.h"
#include "source/route/route_table.h"

namespace proxenos::route {

RequestMatcher CompileRequestMatcher(const envoy::config::route::v3::RouteMatch& config,
                                     config::Errors& errors, const config::Path& path,
                                     StreamConditionCompiler stream = nullptr);

// Null when errors were added. `overrides`: what typed_per_filter_config may hold.
std::shared_ptr<const RouteTable> CompileRoutes(
    const envoy::config::route::v3::RouteConfiguration& config, config::Errors& errors,
    const config::Path& path = {}, OverrideKinds overrides = {});

}  // namespace proxenos::route
