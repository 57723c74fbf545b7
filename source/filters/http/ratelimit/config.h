// From envoy.extensions.filters.http.ratelimit.v3.RateLimit and RateLimitPerRoute to the filter's
// factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::ratelimit {

extern const route::OverrideKind kRateLimitOverride;

std::unique_ptr<filter::FilterFactory> CreateRateLimit(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors);

}  // namespace proxenos::filters::ratelimit
