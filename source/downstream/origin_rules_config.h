// The connection manager's fields that tell whose a request is, and change it before it is routed,
// to OriginRules. Room 3 of an update.
#pragma once

#include <memory>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/downstream/origin_rules.h"

namespace proxenos::downstream {

// Null when none of them is set. `path` is the connection manager's.
std::shared_ptr<const OriginRules> CompileOrigin(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager&
        proto,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::downstream
