// The stats of access logs that go to services. One line a stat; names are Envoy's.
#pragma once

#include "source/stats/schema.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

inline constexpr ScopeShape kGrpcAccessLogScope{"access_logs.grpc_access_log.",
                                                "access_logs.grpc_access_log."};
inline constexpr ScopeShape kOtlpAccessLogScope{"access_logs.open_telemetry_access_log.",
                                                "access_logs.open_telemetry_access_log."};
// With a stat_prefix.
inline constexpr ScopeShape kNamedOtlpAccessLogScope{"access_logs.open_telemetry_access_log.$.",
                                                     "access_logs.open_telemetry_access_log.",
                                                     {"envoy_otlp_access_log_prefix"}};

// Scope: one of these. logs_dropped: there was no room for them, or no cluster to send them to.
#define PX_REMOTE_LOG_STATS(X) \
  X(Counter, logs_written)     \
  X(Counter, logs_dropped)
PX_STATS(RemoteLogStats, PX_REMOTE_LOG_STATS);

}  // namespace proxenos::stats
