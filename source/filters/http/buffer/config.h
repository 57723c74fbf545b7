// From envoy.extensions.filters.http.buffer.v3.Buffer and BufferPerRoute to the filter's factory
// and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::buffer {

extern const route::OverrideKind kBufferOverride;

std::unique_ptr<filter::FilterFactory> CreateBuffer(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);

}  // namespace proxenos::filters::buffer
