// From envoy.extensions.filters.http.set_metadata.v3.Config to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::set_metadata {

std::unique_ptr<filter::FilterFactory> CreateSetMetadata(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors);

}  // namespace proxenos::filters::set_metadata
