// From HttpConnectionManager.tracing and the tracers' messages to Config and Provider.
#pragma once

#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/tracing/config.h"

namespace proxenos::tracing {

// Bootstrap.tracing: the tracer of connection managers that name none. Null: there is none, or it
// is wrong.
std::shared_ptr<const Provider> CompileBootstrapTracer(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, config::Errors& errors);

// Null where the connection manager asks for no tracing. `otherwise`: the bootstrap's tracer.
// `path`: of the connection manager.
std::shared_ptr<const Config> CompileTracing(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager&
        proto,
    std::shared_ptr<const Provider> otherwise, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::tracing
