// From core.v3.HealthCheck and Endpoint.HealthCheckConfig to HealthCheck and CheckTarget.
#pragma once

#include <memory>

#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/endpoint/v3/endpoint_components.pb.h"
#include "source/config/errors.h"
#include "source/upstream/health_check.h"

namespace proxenos::upstream {

// Every error has the field's path below `path`; with errors the result is of no use.
std::shared_ptr<const HealthCheck> CompileHealthCheck(
    const envoy::config::core::v3::HealthCheck& proto, config::Errors& errors,
    const config::Path& path);

// Null when nothing is said.
std::shared_ptr<const CheckTarget> CompileCheckTarget(
    const envoy::config::endpoint::v3::Endpoint& proto, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::upstream
