// From envoy.extensions.filters.http.grpc_stats.v3.FilterConfig to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::grpc_stats {

std::unique_ptr<filter::FilterFactory> CreateGrpcStats(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors);

}  // namespace proxenos::filters::grpc_stats
