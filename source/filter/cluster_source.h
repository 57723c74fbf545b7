// ClusterSource: where a filter asks for clusters that nobody has named before (ODCDS).
#pragma once

#include <string>

#include "source/base/clock.h"

namespace proxenos::filter {

// Owner: a filter's configuration. Thread: any (immutable).
struct ClusterSource {
  std::string config_source;                // Serialized, as OnDemand::AskCluster takes it.
  base::Nanos timeout = 5 * base::kSecond;  // How long one is waited for.
};

}  // namespace proxenos::filter
