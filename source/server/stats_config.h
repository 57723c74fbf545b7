// From envoy.config.metrics.v3.StatsConfig to StatView: which stats there are and how their names
// come apart.
#pragma once

#include "envoy/config/metrics/v3/stats.pb.h"
#include "source/config/errors.h"
#include "source/stats/tag_rules.h"

namespace proxenos::server {

// What is wrong is an error at its place below `path`; the rest is in the result.
stats::StatView CompileStatView(const envoy::config::metrics::v3::StatsConfig& proto,
                                config::Errors& errors, const config::Path& path);

}  // namespace proxenos::server
