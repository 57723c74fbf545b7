// The pages about stats: /stats, /stats/prometheus and /reset_counters.
//
// Invariant: parameters are Envoy's. One that is known and has a value that is not is an error,
// never a guess.
#pragma once

#include "source/admin/endpoint.h"
#include "source/stats/registry.h"

namespace proxenos::admin {

// `registry` outlives the table.
void AddStatsEndpoints(EndpointTable& table, stats::Registry& registry);

// The handlers, for tests. Thread: main.
Response StatsPage(stats::Registry& registry, const Params& params);
Response PrometheusPage(stats::Registry& registry, const Params& params);

}  // namespace proxenos::admin
