// From envoy.extensions.filters.http.grpc_http1_bridge.v3.Config to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::grpc_http1_bridge {

std::unique_ptr<filter::FilterFactory> CreateGrpcHttp1Bridge(const google::protobuf::Any& config,
                                                             const config::Path& path,
                                                             config::Errors& errors);

}  // namespace proxenos::filters::grpc_http1_bridge
