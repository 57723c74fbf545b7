// From envoy.extensions.filters.http.health_check.v3.HealthCheck to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::health_check {

std::unique_ptr<filter::FilterFactory> CreateHealthCheck(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors);

}  // namespace proxenos::filters::health_check
