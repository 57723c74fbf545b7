// The stats of the services that this process reports to. Names are Envoy's, and so is what they
// mean: a request is what the server asks, a response what it is told. Thread: main. Rule: a line
// stands here only if code counts it.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kLoadReporterScope{"load_reporter.", "load_reporter."};
inline constexpr ScopeShape kHdsDelegateScope{"hds_delegate.", "hds_delegate."};

// Load reports (LRS). Scope: kLoadReporterScope.
#define PX_LOAD_REPORTER_STATS(X) \
  X(Counter, requests)            \
  X(Counter, responses)           \
  X(Counter, errors)              \
  X(Counter, retries)
PX_STATS(LoadReporterStats, PX_LOAD_REPORTER_STATS);

// Health discovery (HDS). Scope: kHdsDelegateScope.
#define PX_HDS_DELEGATE_STATS(X) \
  X(Counter, requests)           \
  X(Counter, responses)          \
  X(Counter, errors)             \
  X(Counter, updates)
PX_STATS(HdsDelegateStats, PX_HDS_DELEGATE_STATS);

}  // namespace proxenos::stats
