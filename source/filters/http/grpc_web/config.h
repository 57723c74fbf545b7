// From envoy.extensions.filters.http.grpc_web.v3.GrpcWeb to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::grpc_web {

std::unique_ptr<filter::FilterFactory> CreateGrpcWeb(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors);

}  // namespace proxenos::filters::grpc_web
