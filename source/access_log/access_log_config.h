// envoy.config.accesslog.v3.AccessLog, and the format messages that other messages share with it
// (SubstitutionFormatString), to their compiled forms. What proxenos does not implement is an error
// that names it.
#pragma once

#include <optional>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "google/protobuf/repeated_field.h"
#include "source/access_log/access_log.h"
#include "source/config/errors.h"

namespace proxenos::access_log {

// Opens the files of the logs at `writer`; with a null writer nothing is opened, only checked
// (`--mode validate`), and the result is empty.
AccessLogs CompileAccessLogs(
    const google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog>& configs,
    LogWriter* writer, const config::Path& path, config::Errors& errors);

std::optional<LineFormat> CompileFormatString(
    const envoy::config::core::v3::SubstitutionFormatString& config, const config::Path& path,
    config::Errors& errors);

std::optional<LogFilter> CompileLogFilter(
    const envoy::config::accesslog::v3::AccessLogFilter& config, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::access_log
