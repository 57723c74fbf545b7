// From envoy.extensions.filters.http.cors.v3.Cors to the filter's factory, and from CorsPolicy
// (that of routes too, which is deprecated) to the policy.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::cors {

extern const route::OverrideKind kCorsOverride;

std::unique_ptr<filter::FilterFactory> CreateCors(const google::protobuf::Any& config,
                                                  const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::cors
