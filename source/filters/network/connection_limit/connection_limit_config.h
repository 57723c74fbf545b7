// From its proto to the limit of connections.
#pragma once

#include <memory>

#include "source/filter/network_filter_config.h"

namespace proxenos::filters::connection_limit {

std::unique_ptr<filter::NetworkFilterFactory> CreateConnectionLimit(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::connection_limit
