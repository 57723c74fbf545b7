// From the TLVs of configuration to those that PROXY headers have. Room 3 of an update.
#pragma once

#include <memory>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/proxy_protocol.pb.h"
#include "source/config/errors.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// Of a transport socket; null for none.
std::shared_ptr<const ProxyTlvRules> CompileProxyTlvs(
    const envoy::config::core::v3::ProxyProtocolConfig& proto, config::Errors& errors,
    const config::Path& path);

// Of an endpoint's own: PerHostConfig among the typed_filter_metadata.
net::ProxyTlvs CompileHostTlvs(const envoy::config::core::v3::Metadata& metadata,
                               config::Errors& errors, const config::Path& path);

}  // namespace proxenos::upstream
