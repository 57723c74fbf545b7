// The admin interface's address, logs and open paths.
#include "source/admin/admin_config.h"

#include <optional>
#include <utility>
#include <vector>

#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/route/matcher_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/socket_option_config.h"

namespace proxenos::admin {
namespace {

using AdminProto = envoy::config::bootstrap::v3::Admin;

void CompileAddress(const envoy::config::core::v3::Address& proto, AdminConfig& config,
                    const config::Path& path, config::Errors& errors) {
  std::optional<net::Address> address;
  if (proto.has_pipe()) {
    address = upstream::CompilePipe(proto.pipe(), errors, path.Field("pipe"));
    config.listen.unix_mode = proto.pipe().mode();
  } else if (proto.has_socket_address()) {
    const auto& socket = proto.socket_address();
    address = upstream::CompileIpAddress(socket, errors, path.Field("socket_address"));
    config.listen.ipv4_compat = socket.ipv4_compat();
  } else {
    errors.Add(path, "expected socket_address or pipe: no other kind of address is implemented");
  }
  if (address) config.address = *std::move(address);
}

// access_log_path is the older way to say access_log with a file.
void CompileLogPath(const std::string& file, access_log::LogWriter* writer, AdminConfig& config,
                    const config::Path& path, config::Errors& errors) {
  if (file.empty() || file == "/dev/null") return;
  envoy::extensions::access_loggers::file::v3::FileAccessLog log;
  log.set_path(file);
  google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog> logs;
  logs.Add()->mutable_typed_config()->PackFrom(log);
  access_log::AccessLogs compiled = access_log::CompileAccessLogs(logs, writer, path, errors);
  for (access_log::AccessLog& each : compiled) config.access_logs.push_back(std::move(each));
}

void CompileAllowedPaths(const AdminProto& proto, AdminConfig& config, const config::Path& path,
                         config::Errors& errors) {
  std::vector<match::StringMatcher> matchers;
  for (int i = 0; i < proto.allow_paths_size(); ++i) {
    std::optional<match::StringMatcher> matcher = match::CompileStringMatcher(
        proto.allow_paths(i), errors, path.Index(static_cast<size_t>(i)));
    if (matcher) matchers.push_back(*std::move(matcher));
  }
  if (proto.allow_paths().empty()) return;
  config.allows = [matchers = std::move(matchers)](absl::string_view requested) {
    for (const match::StringMatcher& matcher : matchers) {
      if (matcher.Matches(requested)) return true;
    }
    return false;
  };
}

}  // namespace

AdminConfig CompileAdmin(const AdminProto& proto, access_log::LogWriter* writer,
                         const config::Path& path, config::Errors& errors) {
  AdminConfig config;
  if (proto.has_address()) CompileAddress(proto.address(), config, path.Field("address"), errors);
  config.listen.options = upstream::CompileSocketOptions(proto.socket_options());
  config.access_logs =
      access_log::CompileAccessLogs(proto.access_log(), writer, path.Field("access_log"), errors);
  for (const access_log::AccessLog& log : config.access_logs) {
    if (log.is_remote()) {
      errors.Add(
          path.Field("access_log"),
          "expected logs to files: the admin interface belongs to no worker that could send");
    }
  }
  CompileLogPath(proto.access_log_path(), writer, config, path.Field("access_log_path"), errors);
  CompileAllowedPaths(proto, config, path.Field("allow_paths"), errors);
  return config;
}

}  // namespace proxenos::admin
