// From envoy.extensions.filters.http.compressor.v3.Compressor and CompressorPerRoute to the
// filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::compressor {

extern const route::OverrideKind kCompressorOverride;

std::unique_ptr<filter::FilterFactory> CreateCompressor(const google::protobuf::Any& config,
                                                        const config::Path& path,
                                                        config::Errors& errors);

}  // namespace proxenos::filters::compressor
