// From envoy.extensions.filters.http.fault.v3.HTTPFault to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::fault {

extern const route::OverrideKind kFaultOverride;

std::unique_ptr<filter::FilterFactory> CreateFault(const google::protobuf::Any& config,
                                                   const config::Path& path,
                                                   config::Errors& errors);

}  // namespace proxenos::filters::fault
