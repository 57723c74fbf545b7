// LoadReporter: tells a load balancing service what load the clusters have (LRS:
// cluster_manager.load_stats_config). It says who it is; the service answers which clusters it
// wants to hear of and how often; then reports follow, until the service asks for others.
//
// Owner: the server. Thread: main. Dies before the clusters and the loop.
#pragma once

#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/event/event_loop.h"
#include "source/server/load_report.h"
#include "source/stats/registry.h"
#include "source/stats/report_stats.h"
#include "source/xds/service_stream.h"

namespace proxenos::server {

class LoadReporter {
 public:
  // `options.method` is set here.
  LoadReporter(event::EventLoop& loop, stats::Registry& registry,
               const envoy::config::core::v3::Node& node, xds::ServiceStreamOptions options,
               LoadedClusters clusters);

  void Start() { stream_.Start(); }

 private:
  void OnOpened();
  void OnMessage(const std::string& message);
  void OnLost(const absl::Status& status);
  void Report();

  event::EventLoop& loop_;
  const envoy::config::core::v3::Node node_;
  stats::Group<stats::LoadReporterStats> stats_;
  LoadReport report_;
  event::Timer report_timer_;  // Armed once the service has said what it wants.
  bool opened_before_ = false;
  xds::ServiceStream stream_;
};

}  // namespace proxenos::server
