// Collections: what is asked for in the place of everything where the bootstrap names a collection
// (lds_resources_locator, cds_resources_locator).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/xds/resource.h"

namespace proxenos::server {

// Thread: main. Dies before the bootstrap.
class Collections {
 public:
  explicit Collections(const envoy::config::bootstrap::v3::Bootstrap& bootstrap)
      : bootstrap_(bootstrap) {}

  // Error: what is wrong with the locators and with what stands beside them, each with its path.
  absl::Status Prepare();

  // The collection, in its one form and with what of the node belongs to it; xds::kAllNames where
  // none is named. REQUIRES: Prepare has succeeded.
  const std::string& Clusters() const { return clusters_; }
  const std::string& Listeners() const { return listeners_; }

 private:
  const envoy::config::bootstrap::v3::Bootstrap& bootstrap_;
  std::string clusters_ = xds::kAllNames;
  std::string listeners_ = xds::kAllNames;
};

}  // namespace proxenos::server
