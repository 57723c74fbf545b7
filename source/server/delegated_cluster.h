// DelegatedCluster: a cluster whose hosts a health discovery service has us check (HDS,
// ClusterHealthCheck). No request goes to it, and no worker knows of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envoy/service/health/v3/hds.pb.h"
#include "source/config/errors.h"
#include "source/config/fields.h"
#include "source/health/checker.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_set.h"

namespace proxenos::server {

// What the service wants of one cluster, compiled.
struct Delegation {
  struct Check {
    // Equal for checks that do the same, whatever the endpoints.
    std::string identity;
    // With that check alone; the endpoints are its assignment's.
    std::shared_ptr<const upstream::ClusterConfig> config;
    // Whether the times for a cluster without traffic are asked for.
    bool idle_times = false;
  };
  envoy::service::health::v3::ClusterHealthCheck proto;  // For the layout of the answer.
  std::vector<Check> checks;
  size_t endpoint_count = 0;  // Those to be checked.
};

// No interval is shorter than `least_interval`. What is wrong goes to `errors`; the result is then
// of no use.
Delegation CompileDelegation(const envoy::service::health::v3::ClusterHealthCheck& proto,
                             base::Nanos least_interval, const config::Path& path,
                             config::Errors& errors, config::IgnoredFields& ignored);

// How many endpoints are to be checked, by how many checks each, taken together.
size_t CountProbes(const envoy::service::health::v3::ClusterHealthCheck& proto);

// Owner: the HealthDelegate. Thread: main. Dies when: the service does not name it any more.
class DelegatedCluster {
 public:
  explicit DelegatedCluster(const health::Surroundings& surroundings)
      : surroundings_(surroundings) {}

  // Checks that stay the same go on, and so does what is known of hosts that stay.
  void Update(Delegation delegation);
  // Appends what is known of each endpoint.
  void Fill(envoy::service::health::v3::EndpointHealthResponse& response) const;

 private:
  // One health check of all hosts. Each has hosts of its own, for each finds out something else.
  struct Check {
    std::string identity;
    std::shared_ptr<const upstream::HostSet> hosts;
    std::vector<const upstream::Host*> layout;  // Of all endpoints in order; null: not checked.
    std::unique_ptr<health::Checker> checker;
  };

  void SetHosts(const Delegation::Check& from, Check& check);
  envoy::config::core::v3::HealthStatus StatusOf(size_t endpoint) const;

  const health::Surroundings surroundings_;
  envoy::service::health::v3::ClusterHealthCheck proto_;
  std::vector<Check> checks_;
};

}  // namespace proxenos::server
