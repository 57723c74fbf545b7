// Collections: what is asked for in the place of everything where a collection is named: by the
// bootstrap (lds_resources_locator, cds_resources_locator), or for scopes (srds_resources_locator).
// Glob collections, xdstp://AUTHORITY/TYPE/ID/*, are asked for at a config source; list
// collections, file:///PATH, are files that stand in the place of one.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/errors.h"
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

  // The file of the bootstrap's list collection of a type; empty where none is named. REQUIRES:
  // Prepare was called.
  const std::string& FileOf(absl::string_view type_url) const;

  // The collection that a locator names, likewise, of resources of a type from a source. Error: why
  // it cannot be asked for. REQUIRES: Prepare was called.
  absl::StatusOr<std::string> Resolve(const std::string& locator, absl::string_view type_url,
                                      const envoy::config::core::v3::ConfigSource& source) const;

 private:
  struct Locator;
  void Prepare(const Locator& locator, config::Errors& errors) const;

  const envoy::config::bootstrap::v3::Bootstrap& bootstrap_;
  std::map<std::string, std::string> node_;  // What the node adds to each locator.
  std::string clusters_ = xds::kAllNames;
  std::string listeners_ = xds::kAllNames;
  std::string clusters_file_;
  std::string listeners_file_;
};

}  // namespace proxenos::server
