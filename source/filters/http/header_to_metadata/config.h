// From envoy.extensions.filters.http.header_to_metadata.v3.Config to the filter's factory and
// settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::header_to_metadata {

extern const route::OverrideKind kHeaderToMetadataOverride;

std::unique_ptr<filter::FilterFactory> CreateHeaderToMetadata(const google::protobuf::Any& config,
                                                              const config::Path& path,
                                                              config::Errors& errors);

}  // namespace proxenos::filters::header_to_metadata
