// From envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig (and ...PerRoute) to
// the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::grpc_http1_reverse_bridge {

extern const route::OverrideKind kReverseBridgeOverride;

std::unique_ptr<filter::FilterFactory> CreateReverseBridge(const google::protobuf::Any& config,
                                                           const config::Path& path,
                                                           config::Errors& errors);

}  // namespace proxenos::filters::grpc_http1_reverse_bridge
