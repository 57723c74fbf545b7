// From envoy.config.trace.v3.Tracing.Http, with the message of a tracer in it, to Provider.
#pragma once

#include <memory>

#include "envoy/config/trace/v3/http_tracer.pb.h"
#include "source/config/errors.h"
#include "source/tracing/config.h"

namespace proxenos::tracing {

// Null when it is wrong, or its collector is none.
std::shared_ptr<const Provider> CompileProvider(
    const envoy::config::trace::v3::Tracing::Http& proto, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::tracing
