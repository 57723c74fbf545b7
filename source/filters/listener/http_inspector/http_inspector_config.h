// From its proto to the HTTP inspector.
#pragma once

#include <memory>

#include "source/filter/listener_filter_config.h"

namespace proxenos::filters::http_inspector {

std::unique_ptr<filter::ListenerFilterFactory> CreateHttpInspector(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::http_inspector
