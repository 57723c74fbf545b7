// From envoy.extensions.filters.http.custom_response.v3.CustomResponse to the
// filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::custom_response {

extern const route::OverrideKind kCustomResponseOverride;

std::unique_ptr<filter::FilterFactory> CreateCustomResponse(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::custom_response
