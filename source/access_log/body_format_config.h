// SubstitutionFormatString, as the format of a body, to its compiled forms.
#pragma once

#include <memory>
#include <optional>

#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "source/access_log/body_format.h"
#include "source/config/errors.h"
#include "source/route/reply_format.h"

namespace proxenos::access_log {

// Nothing when errors were added.
std::optional<BodyFormat> CompileBodyFormat(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const config::Path& path,
    config::Errors& errors);

// The same for a route's direct response: what route::UpperCompilers wants. Null when errors were
// added.
std::shared_ptr<const route::ReplyFormat> CompileReplyFormat(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::access_log
