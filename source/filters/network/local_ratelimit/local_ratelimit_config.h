// From its proto to the limit of a rate of connections.
#pragma once

#include <memory>

#include "source/filter/network_filter_config.h"

namespace proxenos::filters::network_local_ratelimit {

std::unique_ptr<filter::NetworkFilterFactory> CreateLocalRateLimit(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::network_local_ratelimit
