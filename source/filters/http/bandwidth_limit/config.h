// From envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit to the filter's factory and
// settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::bandwidth_limit {

extern const route::OverrideKind kBandwidthLimitOverride;

std::unique_ptr<filter::FilterFactory> CreateBandwidthLimit(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::bandwidth_limit
