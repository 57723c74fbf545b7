// From its proto to the rules of a filter chain's connections.
#pragma once

#include <memory>

#include "source/filter/network_filter_config.h"

namespace proxenos::filters::rbac {

std::unique_ptr<filter::NetworkFilterFactory> CreateRbac(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors);

}  // namespace proxenos::filters::rbac
