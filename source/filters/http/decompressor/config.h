// From envoy.extensions.filters.http.decompressor.v3.Decompressor to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::decompressor {

std::unique_ptr<filter::FilterFactory> CreateDecompressor(const google::protobuf::Any& config,
                                                          const config::Path& path,
                                                          config::Errors& errors);

}  // namespace proxenos::filters::decompressor
