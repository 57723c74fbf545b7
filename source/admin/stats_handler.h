// The pages about stats: /stats, /stats/prometheus and /reset_counters.
//
// Invariant: parameters are Envoy's. One that is known and has a value that is not is an error,
// never a guess.
#pragma once

#include "source/admin/endpoint.h"
#include "source/stats/registry.h"
#include "source/stats/tag_rules.h"

namespace proxenos::admin {

// `registry` and `view` outlive the table.
void AddStatsEndpoints(EndpointTable& table, stats::Registry& registry,
                       const stats::StatView& view = stats::StatView::Plain());

// The handlers, for tests. Thread: main.
Response StatsPage(stats::Registry& registry, const Params& params,
                   const stats::StatView& view = stats::StatView::Plain());
Response PrometheusPage(stats::Registry& registry, const Params& params,
                        const stats::StatView& view = stats::StatView::Plain());

}  // namespace proxenos::admin
