// From envoy.config.core.v3.Http2ProtocolOptions to Settings: of connection managers
// and of clusters. Room 3 of an update.
#pragma once

#include "envoy/config/core/v3/protocol.pb.h"
#include "source/config/errors.h"
#include "source/http2/settings.h"

namespace proxenos::http2 {

// `defaults` holds for what `proto` leaves out, and for what comes from elsewhere (limits of
// heads). Each error has its field's path below `path`.
Settings CompileHttp2Options(const envoy::config::core::v3::Http2ProtocolOptions& proto,
                             const Options& defaults, config::Errors& errors,
                             const config::Path& path);

}  // namespace proxenos::http2
