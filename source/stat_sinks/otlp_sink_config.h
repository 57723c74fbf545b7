// From envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig to a sink's configuration.
#pragma once

#include "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry.pb.h"
#include "source/config/errors.h"
#include "source/stat_sinks/otlp_sink.h"

namespace proxenos::stat_sinks {

// What is wrong is an error at its place below `path`.
OtlpSinkConfig CompileOtlpSink(
    const envoy::extensions::stat_sinks::open_telemetry::v3::SinkConfig& proto,
    config::Errors& errors, const config::Path& path);

}  // namespace proxenos::stat_sinks
