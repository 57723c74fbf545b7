// What the stores need of a ConfigSource: where it leads, and how long a first answer may take.
#pragma once

#include "envoy/config/core/v3/config_source.pb.h"
#include "source/base/clock.h"
#include "source/server/wanted_names.h"

namespace proxenos::server {

inline SourceKey SourceKeyOf(const envoy::config::core::v3::ConfigSource& source) {
  return source.has_ads() || source.has_self() ? SourceKey() : source.SerializeAsString();
}

// initial_fetch_timeout; 0 waits without end.
inline base::Nanos FetchTimeoutOf(const envoy::config::core::v3::ConfigSource& source) {
  if (!source.has_initial_fetch_timeout()) return 15 * base::kSecond;
  return source.initial_fetch_timeout().seconds() * base::kSecond +
         source.initial_fetch_timeout().nanos();
}

}  // namespace proxenos::server
