// From envoy.extensions.filters.http.router.v3.Router to the router's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::router {

std::unique_ptr<filter::FilterFactory> CreateRouter(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);
// `kinds`: those that its upstream_http_filters may be of.
std::unique_ptr<filter::FilterFactory> CreateRouterAmong(const google::protobuf::Any& config,
                                                         filter::FilterKinds kinds,
                                                         const config::Path& path,
                                                         config::Errors& errors);

}  // namespace proxenos::filters::router
