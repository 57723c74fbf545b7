// From envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, of a filter or a route, to
// the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::local_ratelimit {

extern const route::OverrideKind kLocalRateLimitOverride;

std::unique_ptr<filter::FilterFactory> CreateLocalRateLimit(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::local_ratelimit
