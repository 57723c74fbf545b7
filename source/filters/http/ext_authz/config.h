// From envoy.extensions.filters.http.ext_authz.v3.ExtAuthz and ExtAuthzPerRoute to the filter's
// factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::ext_authz {

extern const route::OverrideKind kExtAuthzOverride;

std::unique_ptr<filter::FilterFactory> CreateExtAuthz(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors);

}  // namespace proxenos::filters::ext_authz
