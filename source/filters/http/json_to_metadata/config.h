// From envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata to the filter's factory and
// settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::json_to_metadata {

extern const route::OverrideKind kJsonToMetadataOverride;

std::unique_ptr<filter::FilterFactory> CreateJsonToMetadata(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::json_to_metadata
