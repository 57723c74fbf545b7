// The stats of a filter that comes by discovery. One line a stat; names are Envoy's.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kExtensionScope{"extension_config_discovery.http_filter.$.",
                                            "extension_config_discovery.http_filter.",
                                            {"envoy.extension_config_name"}};

// Scope: kExtensionScope, of the filter's name. Thread: main. config_conflict: a listener came that
// cannot use the filter which is in force for its name.
#define PX_EXTENSION_STATS(X) \
  X(Counter, config_reload)   \
  X(Counter, config_fail)     \
  X(Counter, config_conflict) \
  X(Counter, update_attempt)  \
  X(Counter, update_success)  \
  X(Counter, update_rejected) \
  X(Gauge, version)           \
  X(TextReadout, version_text)
PX_STATS(ExtensionStats, PX_EXTENSION_STATS);

}  // namespace proxenos::stats
