// From envoy.extensions.filters.http.oauth2.v3.OAuth2 and OAuth2PerRoute to the filter's factory
// and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::oauth2 {

extern const route::OverrideKind kOAuth2Override;

std::unique_ptr<filter::FilterFactory> CreateOAuth2(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);

}  // namespace proxenos::filters::oauth2
