// The bootstrap: read, merged, checked. What --mode validate does is all of this and the compiling
// of the static resources, without opening a port.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/fields.h"
#include "source/server/options.h"

namespace proxenos::server {

struct LoadedBootstrap {
  envoy::config::bootstrap::v3::Bootstrap proto;
  config::IgnoredFields ignored;
};

// Error: everything that is wrong with the file, each with its path.
absl::StatusOr<LoadedBootstrap> LoadBootstrap(const Options& options);

// How many downstream connections the process may have: what the overload manager's
// downstream_connections monitor says, else no limit but that of descriptors.
uint64_t MaxConnections(const envoy::config::bootstrap::v3::Bootstrap& bootstrap);

// The pattern of log lines that Bootstrap.application_log_config asks for; empty when it does not.
// Error: --log-format asks for another, or the JSON has what would break it.
absl::StatusOr<std::string> LogPattern(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                       const Options& options);

// Constraints and unimplemented fields of any message from outside: all problems at once.
void CheckMessage(const google::protobuf::Message& message, const config::Path& root,
                  config::Errors& errors, config::IgnoredFields& ignored);

}  // namespace proxenos::server
