// From core.v3.GrpcService and HttpUri to what a filter calls.
#pragma once

#include "envoy/config/core/v3/grpc_service.pb.h"
#include "envoy/config/core/v3/http_uri.pb.h"
#include "source/config/errors.h"
#include "source/rpc/service.h"

namespace proxenos::rpc {

// `method` is "/package.Service/Method". `default_timeout`: of calls that the configuration gives
// none.
GrpcService CompileGrpcService(const envoy::config::core::v3::GrpcService& proto,
                               absl::string_view method, base::Nanos default_timeout,
                               const config::Path& path, config::Errors& errors);
HttpService CompileHttpUri(const envoy::config::core::v3::HttpUri& proto, const config::Path& path,
                           config::Errors& errors);

}  // namespace proxenos::rpc
