// From Bootstrap.stats_sinks to the sinks.
#pragma once

#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/errors.h"
#include "source/stat_sinks/otlp_sink.h"

namespace proxenos::stat_sinks {

// What is wrong is an error at its place.
std::vector<OtlpSinkConfig> CompileSinks(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                         config::Errors& errors);

}  // namespace proxenos::stat_sinks
