// From an ApiConfigSource to the stream that it describes.
#pragma once

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/config_source.pb.h"
#include "source/config/errors.h"
#include "source/xds/ads_stream.h"
#include "source/xds/grpc_target.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {

// Whether the source says that its types share a stream: AGGREGATED_GRPC, AGGREGATED_DELTA_GRPC.
bool IsAggregated(const envoy::config::core::v3::ApiConfigSource& source);
bool IsDelta(const envoy::config::core::v3::ApiConfigSource& source);

// What is wrong goes to `errors`; the result is then of no use. `type` is the one that goes over
// the stream alone; null for the aggregated stream.
AdsStreamOptions CompileStream(const envoy::config::core::v3::ApiConfigSource& source,
                               const ResourceType* type, ClusterAddresses cluster_addresses,
                               const config::Path& path, config::Errors& errors);

}  // namespace proxenos::xds
