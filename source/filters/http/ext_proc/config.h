// From envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor and ExtProcPerRoute to the
// filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::ext_proc {

extern const route::OverrideKind kExtProcOverride;

std::unique_ptr<filter::FilterFactory> CreateExtProc(const google::protobuf::Any& config,
                                                     const config::Path& path,
                                                     config::Errors& errors);

}  // namespace proxenos::filters::ext_proc
