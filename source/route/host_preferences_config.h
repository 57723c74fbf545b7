// From RetryPolicy.retry_host_predicate and retry_priority to HostPreferences.
#pragma once

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/errors.h"
#include "source/route/action.h"

namespace proxenos::route {

// `path` is the policy's.
HostPreferences CompileHostPreferences(const envoy::config::route::v3::RetryPolicy& proto,
                                       config::Errors& errors, const config::Path& path);

}  // namespace proxenos::route
