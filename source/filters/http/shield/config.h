// From proxenos.filters.http.shield.v3.Shield to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::shield {

// ShieldPerRoute.
extern const route::OverrideKind kShieldOverride;

std::unique_ptr<filter::FilterFactory> CreateShield(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);

}  // namespace proxenos::filters::shield
