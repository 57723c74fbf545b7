// From envoy.config.core.v3.Http1ProtocolOptions, what connection managers and clusters have in
// common. Room 3 of an update.
#pragma once

#include "envoy/config/core/v3/protocol.pb.h"
#include "source/config/errors.h"
#include "source/http/name_spellings.h"

namespace proxenos::http1 {

// header_key_format; `path` is that of the options.
http::NameStyle CompileNameStyle(const envoy::config::core::v3::Http1ProtocolOptions& proto,
                                 config::Errors& errors, const config::Path& path);

}  // namespace proxenos::http1
