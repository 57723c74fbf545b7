// From envoy.config.bootstrap.v3.Admin to where and how the admin interface listens.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/access_log/access_log.h"
#include "source/config/errors.h"
#include "source/net/address.h"
#include "source/net/socket.h"

namespace proxenos::admin {

struct AdminConfig {
  net::Address address;  // Of family kNone: there is to be no admin interface.
  net::ListenOptions listen;
  access_log::AccessLogs access_logs;
  // Admin.allow_paths, for EndpointTable::AllowOnly; null when all paths are open.
  absl::AnyInvocable<bool(absl::string_view path) const> allows;
};

// With a null writer no log file is opened, only checked (`--mode validate`).
AdminConfig CompileAdmin(const envoy::config::bootstrap::v3::Admin& proto,
                         access_log::LogWriter* writer, const config::Path& path,
                         config::Errors& errors);

}  // namespace proxenos::admin
