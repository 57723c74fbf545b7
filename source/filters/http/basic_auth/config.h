// From envoy.extensions.filters.http.basic_auth.v3.BasicAuth and BasicAuthPerRoute to the filter's
// factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::basic_auth {

extern const route::OverrideKind kBasicAuthOverride;

std::unique_ptr<filter::FilterFactory> CreateBasicAuth(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors);

}  // namespace proxenos::filters::basic_auth
