// From envoy.extensions.filters.http.cache.v3.CacheConfig, or its successor CacheV2Config, to the
// filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::cache {

std::unique_ptr<filter::FilterFactory> CreateCache(const google::protobuf::Any& config,
                                                   const config::Path& path,
                                                   config::Errors& errors);
std::unique_ptr<filter::FilterFactory> CreateCacheV2(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors);

}  // namespace proxenos::filters::cache
