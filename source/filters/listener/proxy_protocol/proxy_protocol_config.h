// From its proto to the PROXY protocol filter.
#pragma once

#include <memory>

#include "source/filter/listener_filter_config.h"

namespace proxenos::filters::proxy_protocol {

std::unique_ptr<filter::ListenerFilterFactory> CreateProxyProtocol(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::proxy_protocol
