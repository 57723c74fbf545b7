// From envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder to the filter's
// factory, with the descriptors that it names.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::grpc_json_transcoder {

extern const route::OverrideKind kGrpcJsonTranscoderOverride;

std::unique_ptr<filter::FilterFactory> CreateGrpcJsonTranscoder(const google::protobuf::Any& config,
                                                                const config::Path& path,
                                                                config::Errors& errors);

}  // namespace proxenos::filters::grpc_json_transcoder
