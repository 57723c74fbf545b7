// Authorities: which config source a name of the form xdstp:// is asked for at, by its authority:
// Bootstrap.config_sources and default_config_source, and ConfigSource.authorities.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"

namespace proxenos::server {

// Thread: main. Dies before the bootstrap.
class Authorities {
 public:
  using ConfigSource = envoy::config::core::v3::ConfigSource;

  explicit Authorities(const envoy::config::bootstrap::v3::Bootstrap& bootstrap)
      : bootstrap_(bootstrap) {}

  // What is wrong with the sources of the bootstrap.
  absl::Status Check() const;

  // Whether any name could be asked for elsewhere than its `peer` says.
  bool any() const {
    return bootstrap_.config_sources_size() > 0 || bootstrap_.has_default_config_source();
  }
  // Where `name` is asked for; null: at its peer, the source that stands beside it. Error: there is
  // no source for its authority.
  absl::StatusOr<const ConfigSource*> Find(absl::string_view name, const ConfigSource& peer) const;

 private:
  const envoy::config::bootstrap::v3::Bootstrap& bootstrap_;
};

}  // namespace proxenos::server
