// From envoy.extensions.filters.http.csrf.v3.CsrfPolicy to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::csrf {

extern const route::OverrideKind kCsrfOverride;

std::unique_ptr<filter::FilterFactory> CreateCsrf(const google::protobuf::Any& config,
                                                  const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::csrf
