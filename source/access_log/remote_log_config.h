// Access logs that go to services, from their protos.
#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/access_log/remote_log.h"
#include "source/config/errors.h"

namespace proxenos::access_log {

// Whether `type`, the full name of a message type, is that of such a log.
bool IsRemoteLog(absl::string_view type);

// Null, with every error named, when it is wrong. REQUIRES: IsRemoteLog(the type in `any`).
std::shared_ptr<const RemoteLog> CompileRemoteLog(const google::protobuf::Any& any,
                                                  const config::Path& path, config::Errors& errors);

}  // namespace proxenos::access_log
