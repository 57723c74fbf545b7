// From its proto to the original destination filter.
#pragma once

#include <memory>

#include "source/filter/listener_filter_config.h"

namespace proxenos::filters::original_dst {

std::unique_ptr<filter::ListenerFilterFactory> CreateOriginalDst(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::original_dst
