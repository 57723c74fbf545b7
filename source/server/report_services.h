// ReportServices: the services that this process reports to, as far as the bootstrap names any:
// load reports (LRS) and delegated health checks (HDS).
//
// Owner: the Server. Thread: main. Dies before the clusters, the store and the loop.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/fields.h"
#include "source/health/checker.h"
#include "source/server/cluster_store.h"
#include "source/server/config_sources.h"
#include "source/server/health_delegate.h"
#include "source/server/load_reporter.h"
#include "source/server/main_clusters.h"

namespace proxenos::server {

// Whether hosts have to count what load reports tell.
bool ReportsLoad(const envoy::config::bootstrap::v3::Bootstrap& bootstrap);

class ReportServices {
 public:
  // What it needs of the server; all outlives it.
  struct Surroundings {
    health::Surroundings health;
    const ClusterStore& clusters;
    const ConfigSources& sources;    // For the addresses of clusters.
    MainClusters& main_clusters;     // What envoy_grpc goes over.
    config::IgnoredFields& ignored;  // Of what a service sends.
  };

  // What is wrong with what the bootstrap says of them.
  static absl::Status Check(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                            const ConfigSources& sources);

  // Opens the streams, from the next turn on. REQUIRES: Check found nothing.
  ReportServices(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                 const Surroundings& surroundings);

 private:
  std::unique_ptr<LoadReporter> load_;      // Null without load_stats_config.
  std::unique_ptr<HealthDelegate> health_;  // Null without hds_config.
};

}  // namespace proxenos::server
