// What a health check is told.
#include "source/filters/http/health_check/filter.h"

namespace proxenos::filters::health_check {

using filter::Verdict;

Verdict HealthCheck::OnRequestHeaders(http::RequestHead& head, bool) {
  if (!route::AllMatch(config_.headers, head)) return Verdict::kContinue;
  stream_.info.health_check = checked_ = true;
  if (config_.pass_through && !stream_.environment.failing_health) return Verdict::kContinue;
  Answer();
  return Verdict::kReplied;
}

void HealthCheck::Answer() {
  if (stream_.environment.failing_health) {
    return stream_.Reply(503, "", "health_check_failed", filter::kFailedLocalHealthCheck);
  }
  for (const HealthCheckConfig::ClusterShare& share : config_.clusters) {
    const auto cluster = stream_.environment.clusters.Find(share.cluster);
    if (!cluster) {
      return stream_.Reply(503, "", "health_check_no_cluster_found",
                           filter::kFailedLocalHealthCheck);
    }
    const upstream::HostSet& hosts = cluster->hosts();
    // An empty cluster is as healthy as is asked for only when nothing is.
    const double good = hosts.healthy_count() + hosts.degraded_count();
    const bool enough =
        hosts.size() == 0 ? share.percent == 0 : good * 100 >= hosts.size() * share.percent;
    if (!enough) {
      return stream_.Reply(503, "", "health_check_cluster_unhealthy",
                           filter::kFailedLocalHealthCheck);
    }
  }
  stream_.Reply(200, "",
                config_.clusters.empty() ? "health_check_ok" : "health_check_cluster_healthy", 0);
}

Verdict HealthCheck::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (checked_) {
    const filter::LocalNode* node = stream_.environment.node;
    head.headers.Set("x-envoy-upstream-healthchecked-cluster",
                     node == nullptr ? absl::string_view() : node->cluster);
  }
  // Of a check too: who asks need not wait for its threshold.
  if (stream_.environment.failing_health) {
    head.headers.Set(http::HeaderId::kXEnvoyImmediateHealthCheckFail, "true");
  }
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::health_check
