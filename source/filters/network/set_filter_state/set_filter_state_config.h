// From its proto to the filter.
#pragma once

#include <memory>

#include "source/filter/network_filter_config.h"

namespace proxenos::filters::network_set_filter_state {

std::unique_ptr<filter::NetworkFilterFactory> CreateSetFilterState(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::network_set_filter_state
