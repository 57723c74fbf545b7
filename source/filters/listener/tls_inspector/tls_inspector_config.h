// From its proto to the TLS inspector.
#pragma once

#include <memory>

#include "source/filter/listener_filter_config.h"

namespace proxenos::filters::tls_inspector {

std::unique_ptr<filter::ListenerFilterFactory> CreateTlsInspector(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::tls_inspector
