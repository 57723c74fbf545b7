// From envoy.extensions.filters.http.rbac.v3.RBAC and RBACPerRoute to the filter's factory and
// settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::http_rbac {

extern const route::OverrideKind kRbacOverride;

std::unique_ptr<filter::FilterFactory> CreateRbac(const google::protobuf::Any& config,
                                                  const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::http_rbac
