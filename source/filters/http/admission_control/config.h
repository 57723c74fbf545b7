// From envoy.extensions.filters.http.admission_control.v3.AdmissionControl to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::admission_control {

std::unique_ptr<filter::FilterFactory> CreateAdmissionControl(const google::protobuf::Any& config,
                                                              const config::Path& path,
                                                              config::Errors& errors);

}  // namespace proxenos::filters::admission_control
