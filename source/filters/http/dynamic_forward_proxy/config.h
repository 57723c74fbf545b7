// From envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig and PerRouteConfig to
// the filter's factory and what routes say to it.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::dynamic_forward_proxy {

// PerRouteConfig.
extern const route::OverrideKind kDynamicForwardProxyOverride;

std::unique_ptr<filter::FilterFactory> CreateDynamicForwardProxy(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::dynamic_forward_proxy
