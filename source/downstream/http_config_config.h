// From envoy…http_connection_manager.v3.HttpConnectionManager to HttpConfig.
#pragma once

#include <memory>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/downstream/http_config.h"
#include "source/downstream/listener_config.h"

namespace proxenos::downstream {

// Null when anything is wrong; `errors` then has all of it.
std::shared_ptr<const HttpConfig> CompileHttpConfig(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager&
        proto,
    const ListenerCompiler& compiler, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::downstream
