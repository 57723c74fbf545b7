// From Bootstrap.stats_sinks to the sinks.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/errors.h"
#include "source/stat_sinks/metrics_service.h"
#include "source/stat_sinks/otlp_sink.h"
#include "source/stat_sinks/statsd_tcp.h"
#include "source/stat_sinks/statsd_udp.h"

namespace proxenos::stat_sinks {

using SinkConfig =
    std::variant<OtlpSinkConfig, StatsdUdpConfig, StatsdTcpConfig, MetricsServiceSinkConfig>;

// What is wrong is an error at its place.
std::vector<SinkConfig> CompileSinks(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                     config::Errors& errors);

// What sinks live on. All outlive them.
struct SinkSurroundings {
  event::EventLoop& loop;
  stats::Registry& registry;
  const stats::StatView& view;
  base::WallTime started;
};

std::unique_ptr<StatSink> MakeSink(SinkConfig config, const SinkSurroundings& surroundings,
                                   FindCluster find_cluster);

}  // namespace proxenos::stat_sinks
