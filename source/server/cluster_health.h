// ClusterHealth: what finds out by itself how the hosts of one version of a cluster are: active
// checks and outlier detection (source/health), as far as its configuration asks for them.
//
// Owner: the version. Thread: main. Dies when: the version is replaced or the cluster removed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/health/checker.h"
#include "source/health/outlier_detector.h"

namespace proxenos::server {

// What the server lends for it.
struct HealthOptions {
  access_log::LogWriter* log_writer = nullptr;  // Null: events are not written.
  // cluster_manager.outlier_detection.event_log_path
  std::string outlier_event_log;
};

class ClusterHealth {
 public:
  using Contexts = std::vector<std::shared_ptr<const tls::ClientContext>>;

  // `changed` is called when hosts are in another state, or the first checks are over.
  ClusterHealth(const health::Surroundings& surroundings, std::string outlier_event_log,
                std::shared_ptr<const upstream::ClusterConfig> config,
                absl::AnyInvocable<void()> changed);

  // Begins to check, if it has not. `breakers` tell whether the cluster is used.
  void StartChecks(const Contexts& tls, std::shared_ptr<const upstream::CircuitBreakers> breakers);
  // Hosts to be checked; once in force, to be watched too.
  void SetHosts(const upstream::HostSet& hosts);
  void SetTls(size_t socket, std::shared_ptr<const tls::ClientContext> context);
  // Whether every host was checked once.
  bool settled() const { return !checker_.has_value() || checker_->settled(); }
  // Its version comes into force. `hosts` are those of SetHosts.
  void TakeForce(const upstream::HostSet& hosts);
  void OnReport(uint64_t host_id, upstream::HostReport report);

  // For /clusters; null without outlier detection.
  const health::OutlierDetector* outliers() const {
    return outliers_.has_value() ? &*outliers_ : nullptr;
  }

 private:
  const health::Surroundings surroundings_;
  const std::string outlier_event_log_;
  const std::shared_ptr<const upstream::ClusterConfig> config_;
  absl::AnyInvocable<void()> changed_;
  std::optional<health::OutlierDetector> outliers_;
  std::optional<health::Checker> checker_;
};

}  // namespace proxenos::server
