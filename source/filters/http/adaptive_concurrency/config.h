// From envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency to the filter's
// factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::adaptive_concurrency {

std::unique_ptr<filter::FilterFactory> CreateAdaptiveConcurrency(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::adaptive_concurrency
