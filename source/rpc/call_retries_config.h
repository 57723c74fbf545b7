// From core.v3.RetryPolicy to CallRetries.
#pragma once

#include "absl/strings/string_view.h"
#include "envoy/config/core/v3/base.pb.h"
#include "source/config/errors.h"
#include "source/rpc/call_retries.h"

namespace proxenos::rpc {

// `default_on`: the reasons where the policy names none.
CallRetries CompileCallRetries(const envoy::config::core::v3::RetryPolicy& proto,
                               absl::string_view default_on, const config::Path& path,
                               config::Errors& errors);

}  // namespace proxenos::rpc
