// What `--mode validate` says, and what is asked before every start.
#pragma once

#include "absl/status/status.h"
#include "source/server/bootstrap.h"

namespace proxenos::server {

// All that is wrong with the configuration as far as it can be told without a thread, a socket or a
// look-up, a line each.
absl::Status Validate(const LoadedBootstrap& bootstrap);

}  // namespace proxenos::server
