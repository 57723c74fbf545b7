// From envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth and ApiKeyAuthPerRoute to the
// filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::api_key_auth {

extern const route::OverrideKind kApiKeyAuthOverride;

std::unique_ptr<filter::FilterFactory> CreateApiKeyAuth(const google::protobuf::Any& config,
                                                        const config::Path& path,
                                                        config::Errors& errors);

}  // namespace proxenos::filters::api_key_auth
