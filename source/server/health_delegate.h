// HealthDelegate: checks the health of hosts for a health discovery service (HDS:
// Bootstrap.hds_config), and tells it what was found. It says what it can check; the service
// answers which hosts are to be checked and how, and how often it wants to hear of them.
//
// A HealthCheckSpecifier is taken whole or not at all: in one that is refused, what was delegated
// before goes on. So it does while the stream is down.
//
// Owner: the server. Thread: main. Dies before the loop.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "envoy/config/core/v3/base.pb.h"
#include "envoy/service/health/v3/hds.pb.h"
#include "source/config/fields.h"
#include "source/event/event_loop.h"
#include "source/health/checker.h"
#include "source/server/delegated_cluster.h"
#include "source/stats/registry.h"
#include "source/stats/report_stats.h"
#include "source/xds/service_stream.h"

namespace proxenos::server {

// What one HealthCheckSpecifier may ask for.
struct DelegationLimits {
  size_t clusters = 1000;
  size_t probes = 10000;  // Endpoints, each as often as it has checks.
  // Between two checks of a host; the more there are, the longer.
  base::Nanos least_interval = 100 * base::kMillisecond;
  base::Nanos interval_per_probe = 200 * base::kMicrosecond;
};

// All clusters of a specifier compiled, or all that is wrong with it. `ignored` gets fields that
// have no effect.
absl::StatusOr<std::vector<Delegation>> CompileDelegations(
    const envoy::service::health::v3::HealthCheckSpecifier& specifier,
    const DelegationLimits& limits, config::IgnoredFields& ignored);

class HealthDelegate {
 public:
  // `options.method` is set here. `ignored` outlives it.
  HealthDelegate(const health::Surroundings& surroundings,
                 const envoy::config::core::v3::Node& node, xds::ServiceStreamOptions options,
                 config::IgnoredFields& ignored);

  void Start() { stream_.Start(); }

 private:
  void OnOpened();
  void OnMessage(const std::string& message);
  void OnLost();
  absl::Status Take(const std::string& message);
  void Apply(std::vector<Delegation> delegations);
  void Report();

  const health::Surroundings surroundings_;
  const envoy::config::core::v3::Node node_;
  config::IgnoredFields& ignored_;
  stats::Group<stats::HdsDelegateStats> stats_;
  std::optional<std::string> taken_;  // The specifier in force, as it came.
  base::Nanos interval_ = base::kSecond;
  size_t endpoint_count_ = 0;
  std::map<std::string, DelegatedCluster> clusters_;  // By name.
  event::Timer report_timer_;  // Armed once this stream has brought a specifier.
  xds::ServiceStream stream_;
};

}  // namespace proxenos::server
