// Compiles the lists of upstream HTTP filters.
#pragma once

#include <memory>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_config.h"
#include "source/filter/upstream_filters.h"

namespace proxenos::filter {

using UpstreamFilterProtos = google::protobuf::RepeatedPtrField<
    envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter>;

// Whose list it is: stats are named after it.
enum class UpstreamFiltersOf : uint8_t { kCluster, kRouter };

// `kinds`: all that there are, those of upstream filters among them. Null: the list is empty, or
// wrong, with every error named.
std::shared_ptr<const UpstreamFilters> CompileUpstreamFilters(const UpstreamFilterProtos& protos,
                                                              UpstreamFiltersOf owner,
                                                              FilterKinds kinds,
                                                              const config::Path& path,
                                                              config::Errors& errors);

}  // namespace proxenos::filter
