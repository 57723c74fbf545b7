// Bootstrap.static_resources, given to the store.
#pragma once

#include "absl/status/status.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/server/compilers.h"
#include "source/server/config_store.h"

namespace proxenos::server {

// Each adds all of one kind. The error names every resource that was refused, each with all that is
// wrong with it; the others are in the store.
absl::Status AddStaticSecrets(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                              ConfigStore& store);
absl::Status AddStaticClusters(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                               ConfigStore& store);
absl::Status AddStaticListeners(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                ConfigStore& store);

// Judges each listener by itself, without what stands around it.
absl::Status CompileStaticListeners(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                    Compilers& compilers);

}  // namespace proxenos::server
