// From core.v3.HttpService to where a courier goes.
#pragma once

#include "absl/strings/string_view.h"
#include "envoy/config/core/v3/http_service.pb.h"
#include "source/config/errors.h"
#include "source/rpc/courier.h"
#include "source/rpc/service_config.h"

namespace proxenos::rpc {

// Without a host in the URI the cluster's name is told as one. Formats in header values are not
// rendered: a value that has any is an error.
CourierRoute CompileHttpRoute(const envoy::config::core::v3::HttpService& proto,
                              absl::string_view content_type, const config::Path& path,
                              config::Errors& errors);

}  // namespace proxenos::rpc
