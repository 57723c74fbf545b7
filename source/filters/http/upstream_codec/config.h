// upstream_codec: the last of a list of upstream filters, which stands for the host
// (envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec).
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::upstream_codec {

std::unique_ptr<filter::FilterFactory> CreateUpstreamCodec(const google::protobuf::Any& config,
                                                           const config::Path& path,
                                                           config::Errors& errors);

}  // namespace proxenos::filters::upstream_codec
