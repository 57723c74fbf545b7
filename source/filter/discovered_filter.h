// DiscoveredFilter: a place in a chain whose filter comes by discovery (ECDS, config_discovery), as
// the connection manager describes it. Its default stands in the chain itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/base/clock.h"

namespace proxenos::filter {

struct DiscoveredFilter {
  uint32_t index = 0;              // In the chain.
  std::string name;                // HttpFilter.name, which is the resource's too.
  std::string source;              // The serialized ConfigSource; empty: the aggregated stream.
  std::vector<std::string> types;  // Full names of the message types that it may be.
  // How long the listener waits for it (initial_fetch_timeout; 0 without end), if it waits at all.
  base::Nanos timeout = 15 * base::kSecond;
  bool warms = true;      // False: apply_default_config_without_warming.
  bool terminal = false;  // It stands last.
  bool disabled = false;  // Only where a route enables it.
};

}  // namespace proxenos::filter
