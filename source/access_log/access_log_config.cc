// Access logs and their formats from their protos.
#include "source/access_log/access_log_config.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "google/protobuf/struct.pb.h"
#include "source/access_log/formatters_config.h"
#include "source/access_log/remote_log_config.h"
#include "source/config/concat.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"

namespace proxenos::access_log {
namespace {

using envoy::config::core::v3::SubstitutionFormatString;
using envoy::extensions::access_loggers::file::v3::FileAccessLog;
using envoy::extensions::access_loggers::stream::v3::StderrAccessLog;
using envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;

std::string_view Std(absl::string_view text) { return std::string_view(text.data(), text.size()); }

std::optional<LineFormat> CompileText(absl::string_view text, const Formatter::Options& options,
                                      const config::Path& path, config::Errors& errors) {
  absl::StatusOr<Formatter> format = Formatter::Compile(text, options);
  if (!format.ok()) {
    errors.Add(path, Std(format.status().message()));
    return std::nullopt;
  }
  return LineFormat(*std::move(format));
}

std::optional<LineFormat> CompileJson(const google::protobuf::Struct& json,
                                      const Formatter::Options& options, const config::Path& path,
                                      config::Errors& errors) {
  absl::StatusOr<JsonFormatter> format = JsonFormatter::Compile(json, options);
  if (!format.ok()) {
    errors.Add(path, Std(format.status().message()));
    return std::nullopt;
  }
  return LineFormat(*std::move(format));
}

std::optional<LineFormat> CompileFileFormat(const FileAccessLog& file, const config::Path& path,
                                            config::Errors& errors) {
  const Formatter::Options options;
  switch (file.access_log_format_case()) {
    case FileAccessLog::kFormat:
      return CompileText(file.format().empty() ? kDefaultFormat : file.format(), options,
                         path.Field("format"), errors);
    case FileAccessLog::kJsonFormat:
      return CompileJson(file.json_format(), options, path.Field("json_format"), errors);
    case FileAccessLog::kTypedJsonFormat:
      return CompileJson(file.typed_json_format(), options, path.Field("typed_json_format"),
                         errors);
    case FileAccessLog::kLogFormat:
      return CompileFormatString(file.log_format(), path.Field("log_format"), errors);
    case FileAccessLog::ACCESS_LOG_FORMAT_NOT_SET:
      return CompileText(kDefaultFormat, options, path, errors);
  }
  return std::nullopt;
}

template <typename StreamLog>
std::optional<LineFormat> CompileStreamFormat(const StreamLog& log, const config::Path& path,
                                              config::Errors& errors) {
  if (log.has_log_format()) {
    return CompileFormatString(log.log_format(), path.Field("log_format"), errors);
  }
  return CompileText(kDefaultFormat, {}, path, errors);
}

// Where a log goes and what its lines look like.
struct Target {
  std::string file;
  std::optional<LineFormat> format;
};

std::optional<Target> CompileTarget(const google::protobuf::Any& any, const config::Path& path,
                                    config::Errors& errors) {
  const std::string type = config::TypedConfigType(any);
  if (type == FileAccessLog::descriptor()->full_name()) {
    FileAccessLog file;
    if (!config::UnpackTypedConfigTo(any, file, path, errors)) return std::nullopt;
    return Target{file.path(), CompileFileFormat(file, path, errors)};
  }
  if (type == StdoutAccessLog::descriptor()->full_name()) {
    StdoutAccessLog log;
    if (!config::UnpackTypedConfigTo(any, log, path, errors)) return std::nullopt;
    return Target{"/dev/stdout", CompileStreamFormat(log, path, errors)};
  }
  if (type == StderrAccessLog::descriptor()->full_name()) {
    StderrAccessLog log;
    if (!config::UnpackTypedConfigTo(any, log, path, errors)) return std::nullopt;
    return Target{"/dev/stderr", CompileStreamFormat(log, path, errors)};
  }
  errors.AddValue(
      path, type,
      "an access log that proxenos implements (file, stdout, stderr, OpenTelemetry, gRPC)");
  return std::nullopt;
}

// A log that goes to a service.
void AddRemote(const envoy::config::accesslog::v3::AccessLog& config, const config::Path& path,
               AccessLogs& logs, config::Errors& errors) {
  const size_t before = errors.count();
  auto remote = CompileRemoteLog(config.typed_config(), path.Field("typed_config"), errors);
  std::optional<LogFilter> filter;
  if (config.has_filter()) {
    filter = CompileLogFilter(config.filter(), path.Field("filter"), errors);
  }
  if (errors.count() == before) logs.emplace_back(std::move(remote), std::move(filter));
}

}  // namespace

std::optional<LineFormat> CompileFormatString(const SubstitutionFormatString& config,
                                              const config::Path& path, config::Errors& errors) {
  const Formatter::Options options = {
      .omit_empty_values = config.omit_empty_values(),
      .extensions = CompileFormatters(config.formatters(), path.Field("formatters"), errors)};
  switch (config.format_case()) {
    case SubstitutionFormatString::kTextFormat:
      return CompileText(config.text_format(), options, path.Field("text_format"), errors);
    case SubstitutionFormatString::kJsonFormat:
      // json_format_options.sort_properties asks for what is always done.
      return CompileJson(config.json_format(), options, path.Field("json_format"), errors);
    case SubstitutionFormatString::kTextFormatSource: {
      const config::Path source = path.Field("text_format_source");
      // A format file keeps its last newline, as with Envoy.
      const std::optional<std::string> text = config::ReadDataSource(
          config.text_format_source(), source, errors, Formatter::kMaxFormatBytes);
      if (!text) return std::nullopt;
      return CompileText(*text, options, source, errors);
    }
    case SubstitutionFormatString::FORMAT_NOT_SET:
      errors.Add(path, "no format is given");
      break;
  }
  return std::nullopt;
}

AccessLogs CompileAccessLogs(
    const google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog>& configs,
    LogWriter* writer, const config::Path& path, config::Errors& errors) {
  AccessLogs logs;
  for (int i = 0; i < configs.size(); ++i) {
    const config::Path here = path.Index(i);
    const config::Path typed = here.Field("typed_config");
    if (IsRemoteLog(config::TypedConfigType(configs[i].typed_config()))) {
      AddRemote(configs[i], here, logs, errors);
      continue;
    }
    std::optional<Target> target = CompileTarget(configs[i].typed_config(), typed, errors);
    std::optional<LogFilter> filter;
    if (configs[i].has_filter()) {
      filter = CompileLogFilter(configs[i].filter(), here.Field("filter"), errors);
    }
    const bool complete = target && target->format && (filter || !configs[i].has_filter());
    if (!complete || writer == nullptr) continue;
    absl::StatusOr<LogFile> sink = writer->Open(target->file);
    if (!sink.ok()) {
      errors.Add(typed.Field("path"), Std(sink.status().message()));
      continue;
    }
    logs.emplace_back(*std::move(sink), *std::move(target->format), std::move(filter));
  }
  return logs;
}

}  // namespace proxenos::access_log
